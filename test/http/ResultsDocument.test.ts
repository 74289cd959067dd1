import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Target } from "../../src/domain/Target.ts"
import { type ResultsDocument, resultsJson, type TargetResult } from "../../src/http/ResultsDocument.ts"
import { site, target } from "./fakes.ts"

const at = Date.parse("2023-11-14T22:13:20.987Z")

const result = (of: Target, options: Partial<TargetResult> = {}): TargetResult => ({
  target: of,
  up: true,
  error: "",
  data: null,
  at,
  ...options
})

const documentOf = (results: Iterable<TargetResult>): ResultsDocument => JSON.parse([...resultsJson(results)].join(""))

const arbitraryResult: fc.Arbitrary<TargetResult> = fc.record({
  target: fc.record({
    checkType: fc.constantFrom("site", "domain", "endpoint"),
    check: fc.constantFrom("ping", "ssl", '"],}'),
    member: fc.string(),
    domain: fc.constantFrom("", "a.example", "b.example"),
    endpoint: fc.constantFrom("", "wss://a.example/x", "wss://a.example/y"),
    ipv6: fc.boolean()
  }),
  up: fc.boolean(),
  error: fc.string(),
  data: fc.oneof(fc.constant(null), fc.dictionary(fc.string(), fc.integer()), fc.array(fc.integer()), fc.string()),
  at: fc.integer({ min: 0, max: 4e12 })
})

describe("resultsJson", () => {
  it("has the keys and types of v2", () => {
    const up = result(site("Amber"), { data: { rtt: 3 } })
    const down = result(target({ member: "Birch" }), { up: false, error: "refused" })
    const domain = result(target({ member: "Amber", checkType: "domain", check: "ssl", endpoint: "", ipv6: true }))
    assert.deepStrictEqual<unknown>(documentOf([up, down, domain]), {
      SiteResults: [{
        CheckName: "ping",
        IsIPv6: false,
        Results: [{
          Status: true,
          MemberName: "Amber",
          ErrorText: "",
          Data: { rtt: 3 },
          IsIPv6: false,
          Checktime: "2023-11-14T22:13:20Z"
        }]
      }],
      DomainResults: [{
        CheckName: "ssl",
        Domain: "rpc.demo.example",
        IsIPv6: true,
        Results: [{
          Status: true,
          MemberName: "Amber",
          ErrorText: "",
          Data: null,
          IsIPv6: true,
          Checktime: "2023-11-14T22:13:20Z"
        }]
      }],
      EndpointResults: [{
        CheckName: "wss",
        Domain: "rpc.demo.example",
        RpcUrl: "wss://rpc.demo.example/demo",
        IsIPv6: false,
        Results: [{
          Status: false,
          MemberName: "Birch",
          ErrorText: "refused",
          Data: null,
          IsIPv6: false,
          Checktime: "2023-11-14T22:13:20Z"
        }]
      }]
    })
  })

  it("writes empty lists, never null", () => {
    assert.deepStrictEqual(documentOf([]), { SiteResults: [], DomainResults: [], EndpointResults: [] })
  })

  it("gives Go a map or null as data, whatever a node sent", () => {
    const data = ([[1, 2], "text", 3, true, undefined] as const).map((data) => result(site("Amber"), { data }))
    for (const { Data } of documentOf(data).SiteResults[0]!.Results) assert.isNull(Data)
  })

  it("writes a time that is none as the zero time of Go", () => {
    assert.strictEqual(
      documentOf([result(site("Amber"), { at: Number.NaN })]).SiteResults[0]!.Results[0]!.Checktime,
      "0001-01-01T00:00:00Z"
    )
  })

  it("has every result once, in one group per check, domain, URL and IP version", () => {
    fc.assert(fc.property(fc.array(arbitraryResult), (results) => {
      const document = documentOf(results)
      const rows = [
        ...document.SiteResults.flatMap((group) =>
          group.Results.map((row) => ["site", group.CheckName, "", "", group.IsIPv6, row] as const)
        ),
        ...document.DomainResults.flatMap((group) =>
          group.Results.map((row) => ["domain", group.CheckName, group.Domain, "", group.IsIPv6, row] as const)
        ),
        ...document.EndpointResults.flatMap((group) =>
          group.Results.map((row) =>
            ["endpoint", group.CheckName, group.Domain, group.RpcUrl, group.IsIPv6, row] as const
          )
        )
      ]
      const expected = results.map(({ error, target: t, up }) =>
        JSON.stringify([
          t.checkType,
          t.check,
          t.checkType === "site" ? "" : t.domain,
          t.checkType === "endpoint" ? t.endpoint : "",
          t.ipv6,
          t.member,
          up,
          error
        ])
      )
      assert.deepStrictEqual(
        rows.map(([type, check, domain, url, ipv6, row]) => {
          assert.strictEqual(row.IsIPv6, ipv6)
          return JSON.stringify([type, check, domain, url, ipv6, row.MemberName, row.Status, row.ErrorText])
        }).sort(),
        expected.sort()
      )
    }))
  })

  it("comes in pieces of bounded length", () => {
    const many = Array.from({ length: 5000 }, (_, i) => result(target({ member: `m${i}` }), { error: "x".repeat(100) }))
    const pieces = [...resultsJson(many)]
    assert.isAbove(pieces.length, 10)
    for (const piece of pieces) assert.isBelow(piece.length, 70_000)
    assert.lengthOf(documentOf(many).EndpointResults[0]!.Results, 5000)
  })
})
