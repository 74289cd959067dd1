import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { decodeDocument, emptyDocuments } from "../../src/config/decodeDocument.ts"
import { describeProblem, type DocumentName, hasErrors, isError, maxProblems } from "../../src/config/Problem.ts"
import { documentKeys } from "../../src/domain/documents/Local.ts"

const fixture = (name: string) => readFileSync(new URL(`../fixtures/config/${name}`, import.meta.url), "utf8")
const files: Readonly<Record<DocumentName, string>> = {
  local: "local.json",
  StaticDNSConfig: "geodns-static.json",
  MembersConfig: "members_professional.json",
  ServicesConfig: "services_rpc.json",
  IaasPricingConfig: "services_rpc_iaaspricing.json",
  ServicesRequestsConfig: "services_rpc_requests.json",
  AlertsConfig: "alerts.json"
}
const names = ["local", ...documentKeys] as const
const say = (document: DocumentName, value: unknown) =>
  decodeDocument(document, typeof value === "string" ? value : JSON.stringify(value)).problems.map(describeProblem)

const member = (change: object = {}) => ({
  Details: { Name: "Potomac Works" },
  Membership: { MemberLevel: 6 },
  Service: { Active: 1, ServiceIPv4: "192.0.2.1" },
  Location: { Region: "Europe", Latitude: 1, Longitude: 2 },
  ...change
})

describe("decodeDocument", () => {
  it("takes a complete set of v2 documents", () => {
    for (const name of names) {
      const { problems, value } = decodeDocument(name, fixture(files[name]))
      assert.isDefined(value, name)
      assert.isFalse(hasErrors(problems), name)
    }
  })

  it("takes documents with nothing in them, as what stands for them when they are not configured", () => {
    for (const key of documentKeys) {
      assert.deepStrictEqual(decodeDocument(key, key === "StaticDNSConfig" ? "[]" : "{}").value, emptyDocuments[key])
    }
  })

  it("names every problem of a document at once: path, what was expected, what was found", () => {
    assert.deepStrictEqual(
      say("MembersConfig", {
        Potomac: member({
          Details: { Name: "" },
          Membership: {},
          Service: { Active: "1", ServiceIPv4: "192.0.2.300", ServiceIPv6: "fe80::1%eth0" },
          Location: { Region: 5, Latitude: 95, Longitude: "2" }
        }),
        "North A": 5,
        List: []
      }),
      [
        'MembersConfig: Potomac.Details.Name: expected a text that is not empty, found ""',
        "MembersConfig: Potomac.Membership.MemberLevel: expected a value, found nothing",
        'MembersConfig: Potomac.Service.Active: expected 0 or 1, found "1"',
        'MembersConfig: Potomac.Service.ServiceIPv4: expected an IPv4 address or "", found "192.0.2.300"',
        'MembersConfig: Potomac.Service.ServiceIPv6: expected an IPv6 address or "", found "fe80::1%eth0"',
        "MembersConfig: Potomac.Location.Region: expected a text, found 5",
        "MembersConfig: Potomac.Location.Latitude: expected a value between -90 and 90, found 95",
        'MembersConfig: Potomac.Location.Longitude: expected a number, found "2"',
        'MembersConfig: ["North A"]: expected an object, found 5',
        "MembersConfig: List: expected an object, found an empty list"
      ]
    )
  })

  it("finds what a transformation refuses even beside wrong types, and below keys with defaults", () => {
    assert.deepStrictEqual(
      say("local", {
        System: { ConfigUrls: {}, ConfigReloadTime: 0 },
        MonitorApi: { ListenPort: "http", AuthKeys: 5 },
        DnsApi: { ListenPort: 70000, MonitorPort: {} },
        Checks: [{ Name: "ssl", Enabled: 1, CheckType: "domain" }, { Name: "", Enabled: 2, CheckType: "host" }],
        GeoDNS: { Steering: { SharePercent: 101, Weights: { a: 0 } }, Dns: { Zones: { z: { refresh: "x" } } } }
      }),
      [
        "local: System.ConfigReloadTime: expected a value greater than 0, found 0",
        "local: DnsApi.ListenPort: expected a value between 0 and 65535, found 70000",
        "local: DnsApi.MonitorPort: expected a text or a number, found an object",
        'local: MonitorApi.ListenPort: expected an integer and a value between 0 and 65535, found "http"',
        "local: MonitorApi.AuthKeys: expected an object, found a value that is not shown, as a secret belongs there",
        'local: Checks[1].Name: expected a text that is not empty, found ""',
        "local: Checks[1].Enabled: expected 0 or 1, found 2",
        'local: Checks[1].CheckType: expected "site" or "domain" or "endpoint", found "host"',
        'local: GeoDNS.Dns.Zones.z.refresh: expected a number, found "x"',
        "local: GeoDNS.Steering.SharePercent: expected a value between 0 and 100, found 101",
        "local: GeoDNS.Steering.Weights.a: expected a value greater than 0, found 0"
      ]
    )
  })

  it("unknown keys are warnings that name the nearest known one, at any depth", () => {
    const { problems, value } = decodeDocument(
      "local",
      JSON.stringify({
        System: { ConfigUrls: { MemberConfig: "x" }, Loglevel: "Debug" },
        Nats: { nodeid: "A" },
        Telegram: {},
        GeoDNS: { Steering: { NearTieKM: 3 }, Checks: { wss: { FailsAfter: 3 } } },
        Checks: [{ Name: "x", Enabled: 0, CheckType: "site", ExtraOptions: { Anything: 1 } }]
      })
    )
    assert.isDefined(value)
    assert.isFalse(hasErrors(problems))
    assert.deepStrictEqual(
      problems.map(({ hint, path }) => [path, hint]),
      [
        ["System.ConfigUrls.MemberConfig", 'did you mean "MembersConfig"?'],
        ["System.Loglevel", 'did you mean "LogLevel"?'],
        ["Nats.nodeid", 'did you mean "NodeID"?'],
        ["GeoDNS.Checks.wss.FailsAfter", 'did you mean "FailAfter"?'],
        ["GeoDNS.Steering.NearTieKM", 'did you mean "NearTieKm"?'],
        ["Telegram", undefined]
      ]
    )
  })

  it("says line and column of a syntax error, with the place itself", () => {
    assert.deepStrictEqual(
      say("ServicesRequestsConfig", '{\n  "Paseo": {\n    "2024-10": { "dns" {"requests": 1}}\n  }\n}'),
      [
        "ServicesRequestsConfig: line 3, column 24: expected a colon after the key, " +
        'found `{"requests": 1}}` after `"2024-10": { "dns"`'
      ]
    )
    assert.deepStrictEqual(say("ServicesRequestsConfig", ""), [
      "ServicesRequestsConfig: line 1, column 1: expected an object or a list: { or [, found the end of the document"
    ])
    assert.match(say("MembersConfig", "<!doctype html><title>x</title>")[0]!, /this looks like a web page/)
    assert.isDefined(decodeDocument("ServicesRequestsConfig", fixture("broken-services_rpc_requests.json")).problems[0])
  })

  it("takes a byte order mark", () => {
    assert.isDefined(decodeDocument("MembersConfig", `\uFEFF${fixture(files.MembersConfig)}`).value)
  })

  it("two members with one name cannot be told apart, in any case", () => {
    const problems = say("MembersConfig", {
      A: member(),
      B: member({ Details: { Name: "potomac works" } }),
      C: member({ Details: { Name: "Other" } })
    })
    assert.deepStrictEqual(problems, [
      'MembersConfig: B.Details.Name: expected a name that no other member has, in any case, found "potomac works", as A has'
    ])
  })

  it("bounds what it says, and what it repeats", () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`m${i}`, 1]))
    assert.strictEqual(decodeDocument("MembersConfig", JSON.stringify(many)).problems.length, maxProblems)
    const crowded = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`unknown${i}`, 1]))
    const hidden = decodeDocument("MembersConfig", JSON.stringify({ A: { ...crowded, ...member() }, B: 5 }))
    assert.deepStrictEqual([hidden.problems.length, hidden.problems.filter(isError).length], [maxProblems, 1])
    const long = say("MembersConfig", { ["k".repeat(10_000)]: member({ Details: { Name: 1, Logo: 2 } }) })
    assert.isTrue(long.every((line) => line.length < 300))
    const [odd] = say("MembersConfig", { "a\nb\u001b": 1 })
    assert.notMatch(odd!, /\p{Cc}/u)
  })

  it("never throws, whatever the text, and refuses only with a reason", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json({ maxDepth: 6 }),
      fc.jsonValue({ maxDepth: 3 }).map((inner) => JSON.stringify({ a: inner, __proto__: inner, constructor: inner })),
      fc.dictionary(
        fc.constantFrom("System", "Nats", "Checks", "GeoDNS", "matrix", "Details", "__proto__", "toString"),
        fc.jsonValue({ maxDepth: 4 })
      ).map((value) => JSON.stringify(value))
    )
    fc.assert(
      fc.property(fc.constantFrom(...names), anything, (name, text) => {
        const { problems, value } = decodeDocument(name, text)
        assert.strictEqual(value === undefined, hasErrors(problems))
        for (const problem of problems) assert.isBelow(describeProblem(problem).length, 2_000)
      }),
      { numRuns: 1_500 }
    )
  })

  it("one value of any kind in any place of a good document never throws", () => {
    const places = (value: unknown): ReadonlyArray<ReadonlyArray<string>> =>
      typeof value === "object" && value !== null
        ? [[], ...Object.entries(value).flatMap(([key, below]) => places(below).map((path) => [key, ...path]))]
        : [[]]
    const put = (root: unknown, [head, ...rest]: ReadonlyArray<string>, value: unknown): unknown => {
      if (head === undefined) return value
      const copy = structuredClone(root) as Record<string, unknown>
      copy[head] = put(copy[head], rest, value)
      return copy
    }
    const documents = names.map((name) => [name, JSON.parse(fixture(files[name])) as unknown] as const)
    const place = fc.constantFrom(...documents).chain(([name, root]) =>
      fc.tuple(fc.constant(name), fc.constant(root), fc.constantFrom(...places(root)))
    )
    fc.assert(fc.property(place, fc.jsonValue({ maxDepth: 2 }), ([name, root, path], value) => {
      const decoded = decodeDocument(name, JSON.stringify(put(root, path, value)))
      assert.strictEqual(decoded.value === undefined, hasErrors(decoded.problems))
    }))
  })
})

describe("secrets", () => {
  const planted = "s3cr3t-hunter2"
  const paths = [
    ["Nats", "Pass"],
    ["Mysql", "Pass"],
    ["Maxmind", "LicenseKey"],
    ["Matrix", "Password"],
    ["MonitorApi", "AuthKeys", "dashboard"],
    ["GeoDNS", "Alerts", "Webhooks", "Secret"]
  ]

  it("never stand in a problem: neither in their place, nor above it, nor in a list of the wrong kind", () => {
    for (const path of paths) {
      for (const wrong of [[planted], { [planted.length]: planted }, planted]) {
        for (let depth = 1; depth <= path.length; depth++) {
          const value = path.slice(0, depth).reduceRight<unknown>((below, key) => ({ [key]: below }), wrong)
          const problems = decodeDocument("local", JSON.stringify(value)).problems
          assert.isAbove(problems.length, 0)
          assert.notInclude(JSON.stringify(problems), planted, path.join("."))
        }
      }
    }
  })

  it("never stand in a syntax error, wherever the text breaks", () => {
    const text = JSON.stringify({
      System: { ConfigUrls: {} },
      Nats: { User: planted, Pass: planted },
      MonitorApi: { AuthKeys: { a: planted } }
    })
    for (let at = 0; at <= text.length; at++) {
      for (const letter of ['"', "x", ",", "\\", "\n"]) {
        for (
          const broken of [text.slice(0, at) + letter + text.slice(at + 1), text.slice(0, at) + letter + text.slice(at)]
        ) {
          assert.notInclude(JSON.stringify(decodeDocument("local", broken).problems), planted)
        }
      }
    }
  })
})
