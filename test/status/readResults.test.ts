import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Target, targetKey } from "../../src/domain/Target.ts"
import { resultsJson, type TargetResult } from "../../src/http/ResultsDocument.ts"
import { readResults } from "../../src/status/readResults.ts"

const row = (changes: Readonly<Record<string, unknown>> = {}) => ({
  Status: true,
  MemberName: "Amber",
  ErrorText: "",
  Data: null,
  IsIPv6: false,
  Checktime: "2026-04-21T08:00:00Z",
  ...changes
})

const document = (rows: ReadonlyArray<unknown>, group: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    SiteResults: [{ CheckName: "ping", IsIPv6: false, Results: rows, ...group }],
    DomainResults: null,
    EndpointResults: []
  })

const site: Target = { checkType: "site", check: "ping", member: "Amber", domain: "", endpoint: "", ipv6: false }
const rowsOf = (text: string) => [...readResults(text)!.results.values()]

const name = fc.string({ minLength: 1, maxLength: 30 })
const arbitraryTarget: fc.Arbitrary<Target> = fc.oneof(
  fc.record({
    checkType: fc.constant("site" as const),
    check: name,
    member: name,
    domain: fc.constant(""),
    endpoint: fc.constant(""),
    ipv6: fc.boolean()
  }),
  fc.record({
    checkType: fc.constant("domain" as const),
    check: name,
    member: name,
    domain: name,
    endpoint: fc.constant(""),
    ipv6: fc.boolean()
  }),
  fc.record({
    checkType: fc.constant("endpoint" as const),
    check: name,
    member: name,
    domain: name,
    endpoint: name,
    ipv6: fc.boolean()
  })
)

describe("readResults", () => {
  it("reads what our monitors write, to the second", () => {
    const arbitrary: fc.Arbitrary<TargetResult> = fc.record({
      target: arbitraryTarget,
      up: fc.boolean(),
      error: fc.string({ maxLength: 256 }),
      data: fc.constant(null),
      at: fc.integer({ min: 1, max: 4e9 }).map((seconds) => seconds * 1_000)
    })
    const all = fc.uniqueArray(arbitrary, { selector: ({ target }) => targetKey(target) })
    fc.assert(fc.property(all, (results) => {
      const read = readResults([...resultsJson(results)].join(""))!
      assert.strictEqual(read.skipped, 0)
      const expected = new Map(
        results.map(({ at, error, target, up }) => [targetKey(target), { target, up, error, at }])
      )
      assert.deepStrictEqual(
        new Map([...read.results].sort()),
        new Map([...expected].sort())
      )
    }))
  })

  it("reads a document of v2: null for an empty list, any offset, keys that it does not know", () => {
    const text = JSON.stringify({
      SiteResults: null,
      DomainResults: [{
        CheckName: "ssl",
        Domain: "rpc.example",
        IsIPv6: true,
        Results: [
          row({ IsIPv6: true, Status: false, ErrorText: "expired", Checktime: "2026-04-21T10:00:00+02:00", New: 1 })
        ]
      }],
      EndpointResults: [{ CheckName: "wss", Domain: "rpc.example", RpcUrl: "wss://rpc.example/x", Results: null }]
    })
    const target = { ...site, checkType: "domain", check: "ssl", domain: "rpc.example", ipv6: true }
    assert.deepStrictEqual<unknown>(rowsOf(text), [
      { target, up: false, error: "expired", at: Date.parse("2026-04-21T08:00:00Z") }
    ])
    assert.isFalse(readResults(text)!.onlyDown)
  })

  it("reads a document of an older v2: only what is down, without saying so", () => {
    const { Status: _, ...older } = row({ ErrorText: "timeout" })
    const read = readResults(document([older]))!
    assert.isTrue(read.onlyDown)
    assert.deepStrictEqual([...read.results.values()].map(({ error, up }) => ({ error, up })), [
      { error: "timeout", up: false }
    ])
  })

  it("leaves out rows and groups that make no sense, and takes nothing down for them", () => {
    const broken = [
      null,
      7,
      [],
      "x",
      row({ Status: null }),
      row({ Status: "down" }),
      row({ Status: 0 }),
      { ...row(), Status: undefined },
      row({ MemberName: "" }),
      row({ MemberName: "x".repeat(257) })
    ]
    const read = readResults(document([...broken, row()]))!
    assert.deepStrictEqual([read.results.size, read.skipped], [1, broken.length])
    for (const group of [{ CheckName: null }, { CheckName: "" }, { Results: {} }]) {
      const none = readResults(document([row()], group))!
      assert.deepStrictEqual([none.results.size, none.skipped], [0, 1], JSON.stringify(group))
    }
  })

  it("has no time where there is none", () => {
    for (const Checktime of [undefined, null, "", "soon", "0001-01-01T00:00:00Z", 7]) {
      assert.isUndefined(rowsOf(document([row({ Checktime })]))[0]!.at, String(Checktime))
    }
  })

  it("takes the later of two rows for one target, and down of two at one time", () => {
    const later = row({ Checktime: "2026-04-21T08:00:05Z" })
    for (const rows of [[row({ Status: false }), later], [later, row({ Status: false })]]) {
      assert.deepStrictEqual(rowsOf(document(rows)).map(({ up }) => up), [true])
    }
    assert.deepStrictEqual(rowsOf(document([row({ Status: false }), row()])).map(({ up }) => up), [false])
  })

  it("refuses what is no such document", () => {
    for (const text of ["", "<html>", "null", "[]", "{}", '{"SiteResults":7}', '{"error":"x"}']) {
      assert.isUndefined(readResults(text), text)
    }
  })

  it("survives anything", () => {
    fc.assert(fc.property(fc.json(), (text) => void readResults(text)))
    const cell = fc.oneof(fc.anything(), fc.constant(row()), fc.constant([row()]))
    fc.assert(
      fc.property(cell, cell, cell, (a, b, c) => {
        const text = JSON.stringify(
          { SiteResults: [a, { CheckName: "x", Results: b }], DomainResults: c },
          (_, v) => typeof v === "bigint" ? String(v) : v
        )
        readResults(text)
      })
    )
  })
})
