import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { publicRoutes } from "../../src/domain/documents/GeoDns.ts"
import { type Asked, isBelow, judge, type Rules } from "../../src/http/judge.ts"
import { makeKeys, minimumKeyLength, presentedKey } from "../../src/http/Keys.ts"

const mgmtKey = "mgmt-key-0123456789"
const dnsKey = "dns-key-0123456789"
const keys = (named: Record<string, string>, where = "MgmtApi.AuthKeys") =>
  makeKeys(Object.fromEntries(Object.entries(named).map(([name, key]) => [name, Redacted.make(key)])), where)

const rules: Rules = {
  publicRoutes,
  readers: [keys({ dashboard: dnsKey }, "DnsApi.AuthKeys")],
  writers: keys({ anna: mgmtKey })
}
const asked = (method: string, url: string, headers: Asked["headers"] = {}): Asked => ({ method, url, headers })
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const json = { "content-type": "application/json" }
const outcome = (of: Asked, by: Rules = rules) => {
  const verdict = judge(of, by)
  return verdict._tag === "Admitted" ? `as ${verdict.caller}` : `${verdict.status} ${verdict.reason}`
}

describe("isBelow", () => {
  it("is the route itself and what is below it, and / is only itself", () => {
    for (
      const path of ["/", "/results", "/results/", "/results/x", "/api/status", "/api/status/events", "/api/log"]
    ) assert.isTrue(isBelow(path, publicRoutes), path)
    for (
      const path of ["/api/members", "/api", "/resultsx", "/api/statuses", "/api/overrides-secret", "/Results", "", "x"]
    ) assert.isFalse(isBelow(path, publicRoutes), path)
  })

  it("takes routes as an operator may write them", () => {
    assert.isTrue(isBelow("/api/billing/pdfs", ["/api/billing/"]))
    for (const useless of ["", "//", "api", "*", "/*"]) assert.isFalse(isBelow("/api/billing", [useless]), useless)
  })

  it("is no way around, however a path is written", () => {
    const tricks = [
      "//api/members",
      "/results/../api/members",
      "/results/..%2fapi/members",
      "/results/%2e%2e/api/members",
      "/results/./../api/members",
      "/results//api/members",
      "/results;/api/members",
      "/results\\..\\api\\members",
      "/%61pi/members",
      "/api%2fstatus",
      "/results%00/x",
      "/results/\u0000",
      "http://other/results",
      "/results/*",
      "/results/.hidden"
    ]
    for (const path of tricks) assert.isFalse(isBelow(path, publicRoutes), path)
  })

  it("never opens what no route names", () => {
    const piece = fc.constantFrom("results", "api", "members", "..", ".", "", "%2e%2e", "%2f", ";", "?", "\\", "status")
    fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = `/${pieces.join("/")}`
      if (!isBelow(path, ["/results", "/api/status"])) return
      // What a browser or proxy would make of it is below the route too.
      const { pathname } = new URL(path, "http://node")
      assert.match(pathname, /^\/(?:results|api\/status)(?:\/|$)/)
    }))
  })
})

describe("judge", () => {
  it("lets everybody read what is public, with and without a key", () => {
    for (const method of ["GET", "HEAD"]) {
      assert.strictEqual(outcome(asked(method, "/results?source=local")), "as undefined")
      assert.strictEqual(outcome(asked(method, "/results", bearer("wrong"))), "as undefined")
    }
  })

  it("wants a key for all other reading: one of this API or of management", () => {
    for (const url of ["/api/members", "/", "/results"]) {
      const by = { ...rules, publicRoutes: [] }
      assert.strictEqual(outcome(asked("GET", url), by), "401 no-key", url)
      assert.strictEqual(outcome(asked("GET", url, bearer("wrong-key-0123456789")), by), "401 wrong-key", url)
      assert.strictEqual(outcome(asked("GET", url, bearer(dnsKey)), by), "as dashboard")
      assert.strictEqual(outcome(asked("GET", url, bearer(mgmtKey)), by), "as anna")
    }
  })

  it("wants a key of management for writing, wherever", () => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "get", "FOO"]) {
      for (const url of ["/api/overrides", "/results", "/", "/api/overrides?x=/live"]) {
        const what = `${method} ${url}`
        assert.strictEqual(outcome(asked(method, url, json)), "401 no-key", what)
        assert.strictEqual(outcome(asked(method, url, { ...json, ...bearer(dnsKey) })), "401 wrong-key", what)
        assert.strictEqual(outcome(asked(method, url, { ...json, ...bearer(mgmtKey) })), "as anna", what)
      }
    }
  })

  it("opens nothing when no key is configured, and says what to do", () => {
    for (const useless of [{}, { a: "" }, { a: "   " }, { a: "short" }, { a: "x".repeat(minimumKeyLength - 1) }]) {
      const by: Rules = { publicRoutes, readers: [], writers: keys(useless) }
      for (const key of ["", " ", "undefined", "null", "short", ...Object.values(useless)]) {
        const headers = { ...json, ...bearer(key), "x-api-key": key }
        assert.strictEqual(outcome(asked("POST", "/api/overrides", headers), by), "403 no-keys-configured")
        assert.strictEqual(outcome(asked("GET", "/api/members", headers), by), "403 no-keys-configured")
      }
    }
    const refused = judge(asked("POST", "/", json), { publicRoutes, readers: [], writers: keys({}) })
    assert.include(refused._tag === "Refused" ? refused.error : "", "MgmtApi.AuthKeys of the local document has no key")
  })

  it("refuses what a page of another site sends, and bodies that are not JSON", () => {
    const write = (headers: Asked["headers"]) =>
      outcome(asked("POST", "/api/overrides", { ...json, host: "node:6100", ...bearer(mgmtKey), ...headers }))
    assert.strictEqual(write({ origin: "http://node:6100" }), "as anna")
    assert.strictEqual(
      write({ origin: "https://NODE:6100", "content-type": "application/json; charset=utf-8" }),
      "as anna"
    )
    for (const origin of ["http://evil.example", "null", "http://node", "http://node:6100.evil.example", ""]) {
      assert.strictEqual(write({ origin }), "403 other-origin", origin)
    }
    assert.strictEqual(write({ "sec-fetch-site": "cross-site" }), "403 other-origin")
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "", undefined]) {
      assert.strictEqual(write({ "content-type": type }), "415 content-type", type)
    }
  })

  it("never admits a write without the key", () => {
    const header = fc.constantFrom("authorization", "x-api-key", "cookie", "origin", "x-forwarded-for")
    fc.assert(fc.property(
      fc.string(),
      fc.webPath(),
      fc.dictionary(header, fc.oneof(fc.string(), fc.constantFrom(`Bearer ${dnsKey}`, `Basic ${mgmtKey}`, "Bearer"))),
      (method, url, headers) => {
        if (method === "GET" || method === "HEAD") return
        assert.strictEqual(judge(asked(method, url, { ...json, ...headers }), rules)._tag, "Refused")
      }
    ))
  })
})

describe("keys", () => {
  it("open by what they are, and not by a part or another case of it", () => {
    const some = keys({ anna: mgmtKey, ben: "another-key-0123456789" })
    assert.strictEqual(some.nameOf(mgmtKey), "anna")
    assert.strictEqual(some.nameOf("another-key-0123456789"), "ben")
    for (const wrong of ["", mgmtKey.slice(0, -1), `${mgmtKey}x`, mgmtKey.toUpperCase(), "anna"]) {
      assert.isUndefined(some.nameOf(wrong), wrong)
    }
    fc.assert(fc.property(fc.string(), (text) => {
      if (text !== mgmtKey) assert.notStrictEqual(some.nameOf(text), "anna")
    }))
  })

  it("that open nothing are named, and never shown", () => {
    const { problems, size } = keys({
      a: "",
      b: "  ",
      c: "geheim",
      d: "geheim geheim geheim",
      e: "geheimgeheimgeheimé"
    })
    assert.strictEqual(size, 0)
    assert.deepStrictEqual(problems, [
      "MgmtApi.AuthKeys.a is empty",
      "MgmtApi.AuthKeys.b is empty",
      "MgmtApi.AuthKeys.c is shorter than 16 characters",
      "MgmtApi.AuthKeys.d has blanks or characters that no HTTP header can carry",
      "MgmtApi.AuthKeys.e has blanks or characters that no HTTP header can carry"
    ])
    assert.notInclude(problems.join(), "geheim")
  })

  it("are shown as Bearer or X-API-Key", () => {
    assert.strictEqual(presentedKey({ authorization: "Bearer abc" }), "abc")
    assert.strictEqual(presentedKey({ authorization: "bearer  abc " }), "abc")
    assert.strictEqual(presentedKey({ "x-api-key": " abc " }), "abc")
    assert.strictEqual(presentedKey({ authorization: "Basic x", "x-api-key": "abc" }), "abc")
    for (const headers of [{}, { authorization: "Bearer" }, { authorization: "Basic abc" }, { "x-api-key": "  " }]) {
      assert.isUndefined(presentedKey(headers))
    }
  })
})
