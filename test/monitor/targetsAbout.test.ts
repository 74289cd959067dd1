import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fc from "fast-check"
import { targetsAbout, wordsOf } from "../../src/monitor/lookOnce.ts"
import { plan } from "../../src/monitor/plan.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { catalogOf, decodeLocal, rawCheck, rawMember, rawService } from "./documents.ts"

const probes = Effect.runSync(Effect.provide(Probes, Layer.provide(Probes.layerMemory, ScriptedProbes.layer)))

const planned = (
  names: ReadonlyArray<string>,
  urls: ReadonlyArray<string>,
  checks = [
    rawCheck({ Name: "wss", CheckType: "endpoint" }),
    rawCheck({ Name: "http", CheckType: "endpoint" }),
    rawCheck({ Name: "ssl", CheckType: "domain" }),
    rawCheck({ Name: "http", CheckType: "domain" }),
    rawCheck({ Name: "ping", CheckType: "site" })
  ]
) => {
  const members = Object.fromEntries(
    names.map((name, i) => [`m${i}`, rawMember({ name, services: ["s"], ipv4: `192.0.2.${i}`, ipv6: "2001:db8::1" })])
  )
  return plan(decodeLocal({ Checks: checks }), catalogOf(members, { s: rawService({ urls }) }), {
    ipv4: "all",
    ipv6: "all"
  }, probes).targets
}

const about = (targets: ReturnType<typeof planned>, ...words: ReadonlyArray<string>) =>
  targetsAbout(targets.values(), words).map(({ target }) =>
    [target.check, target.checkType, target.member, target.endpoint || target.domain].join(" ")
  )

describe("the targets that words are about", () => {
  const targets = planned(["Good", "Good Two", "Bad"], ["wss://good.example/wss", "https://http.example/a"])

  it("the name of a check means that check, though it is part of every URL", () => {
    assert.deepStrictEqual(about(targets, "good", "wss", "ipv4", "good.example"), [
      "wss endpoint Good wss://good.example/wss"
    ])
    assert.deepStrictEqual(
      [...new Set(targetsAbout(targets.values(), ["HTTP"]).map(({ target }) => target.check))],
      ["http"]
    )
    // A word that names no check is part of a name
    assert.include(about(targets, "htt"), "ssl domain Good http.example")
  })

  it("types and IP versions mean just that", () => {
    assert.deepStrictEqual(about(targets, "http", "domain", "bad", "ipv6", "good.example"), [
      "http domain Bad good.example"
    ])
    assert.deepStrictEqual(about(targets, "bad", "site", "ipv4"), ["ping site Bad "])
  })

  it("the whole name of a member, a domain or a URL goes before parts of others", () => {
    assert.deepStrictEqual(about(targets, "good", "ping", "ipv4"), ["ping site Good "])
    assert.deepStrictEqual(about(targets, "two", "ping", "ipv4"), ["ping site Good Two "])
    const near = planned(["A"], ["wss://rpc.example/x", "wss://rpc.example/xy", "wss://eu.rpc.example/X"])
    assert.deepStrictEqual(about(near, "wss", "wss://rpc.example/x", "ipv4"), ["wss endpoint A wss://rpc.example/x"])
    assert.deepStrictEqual(about(near, "ssl", "rpc.example", "ipv4"), ["ssl domain A rpc.example"])
    const cases = planned(["A"], ["wss://rpc.example/x", "wss://rpc.example/X"])
    assert.deepStrictEqual(about(cases, "wss", "wss://rpc.example/X", "ipv4"), ["wss endpoint A wss://rpc.example/X"])
  })

  it("whatever the documents say, its words find a target and no other", () => {
    const part = fc.stringMatching(/^[a-c]{1,2}$/)
    const name = fc.oneof(part, fc.tuple(part, part).map(([a, b]) => `${a} ${b}`))
    const url = fc.tuple(part, fc.constantFrom("wss", "http", "a", "A", "ipv4"))
      .map(([host, path]) => `wss://${host}.example/${path}`)
    fc.assert(fc.property(
      fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(url, { minLength: 1, maxLength: 4 }),
      (names, urls) => {
        const all = planned(names, urls)
        for (const { key, target } of all.values()) {
          const found = targetsAbout(all.values(), wordsOf(target, all.values()))
          assert.deepStrictEqual(found.map((one) => one.key), [key])
        }
      }
    ))
  })
})
