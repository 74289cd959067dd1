import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { csvLine } from "../../src/cli/text/csv.ts"
import { boundsOf, periodOf, readDays } from "../../src/cli/text/period.ts"
import { maxLines, UsageReport } from "../../src/cli/usageReport.ts"
import type { UsageTotal } from "../../src/store/UsageStore.ts"

const total = (change: Partial<UsageTotal> = {}): UsageTotal => ({
  day: "2026-04-21",
  node: "DNS-1",
  domain: "rpc.example",
  member: "Rhine Networks",
  asn: "AS64496",
  network: "Example Kansai",
  country: "JP",
  countryName: "Japan",
  ipv6: false,
  hits: 1,
  ...change
})

describe("UsageReport", () => {
  it("adds up by what is asked for, the most first", () => {
    const report = new UsageReport(["member", "family"])
    report.add(total({ hits: 2 }))
    report.add(total({ hits: 3, country: "DE", day: "2026-04-22" }))
    report.add(total({ hits: 9, ipv6: true }))
    report.add(total({ hits: 4, member: "Fuji Hosting" }))
    assert.deepStrictEqual(report.lines(), [
      { keys: ["Rhine Networks", "IPv6"], hits: 9 },
      { keys: ["Rhine Networks", "IPv4"], hits: 5 },
      { keys: ["Fuji Hosting", "IPv4"], hits: 4 }
    ])
    assert.strictEqual(report.total, 18)
  })

  it("keeps days in their order", () => {
    const report = new UsageReport(["day", "member"])
    for (const [day, hits] of [["2026-04-22", 7], ["2026-04-21", 1]] as const) report.add(total({ day, hits }))
    assert.deepStrictEqual(report.lines().map(({ keys }) => keys[0]), ["2026-04-21", "2026-04-22"])
  })

  it("loses no hit, whatever it is asked for", () => {
    fc.assert(fc.property(
      fc.array(fc.record({ member: fc.string(), domain: fc.constantFrom("a", "b"), hits: fc.nat() })),
      (totals) => {
        const report = new UsageReport(["domain", "member"])
        for (const change of totals) report.add(total(change))
        const sum = totals.reduce((all, { hits }) => all + hits, 0)
        assert.strictEqual(report.lines().reduce((all, { hits }) => all + hits, 0), sum)
        assert.strictEqual(report.total, sum)
      }
    ))
  })

  it("is bounded, and its sum still right", () => {
    const report = new UsageReport(["domain"])
    for (let i = 0; i < maxLines + 5; i++) report.add(total({ domain: `${i}.example` }))
    const lines = report.lines()
    assert.lengthOf(lines, maxLines + 1)
    assert.deepStrictEqual(lines.at(-1), { keys: ["(others)"], hits: 5 })
  })
})

describe("periods", () => {
  const now = Date.parse("2026-04-21T23:59:59Z")
  const read = (text: string) => Option.getOrThrow(readDays(text))

  it("reads days and months, and nothing that is none", () => {
    assert.deepStrictEqual(read("2026-04-21"), { from: "2026-04-21", to: "2026-04-21" })
    assert.deepStrictEqual(read("2024-02"), { from: "2024-02-01", to: "2024-02-29" })
    assert.deepStrictEqual(read("2026-12"), { from: "2026-12-01", to: "2026-12-31" })
    for (const text of ["2026-02-30", "2026-13", "2026-00-01", "21.4.2026", "", "2026-4-1"]) {
      assert.isTrue(Option.isNone(readDays(text)), text)
    }
  })

  it("takes a month alone as the whole of it, and goes to today otherwise", () => {
    const some = (text: string) => Option.some(read(text))
    const none = Option.none()
    assert.deepStrictEqual(periodOf(some("2026-03"), none, now, 7), { from: "2026-03-01", to: "2026-03-31" })
    assert.deepStrictEqual(periodOf(some("2026-04-01"), none, now, 7), { from: "2026-04-01", to: "2026-04-21" })
    assert.deepStrictEqual(periodOf(none, none, now, 7), { from: "2026-04-15", to: "2026-04-21" })
    assert.deepStrictEqual(periodOf(none, some("2026-03-03"), now, 3), { from: "2026-03-01", to: "2026-03-03" })
    assert.deepStrictEqual(periodOf(some("2026-02"), some("2026-03"), now, 7), { from: "2026-02-01", to: "2026-03-31" })
  })

  it("ends with the last millisecond of the last day", () => {
    assert.deepStrictEqual(boundsOf({ from: "2026-04-21", to: "2026-04-21" }), {
      from: Date.parse("2026-04-21T00:00:00Z"),
      to: Date.parse("2026-04-22T00:00:00Z")
    })
  })
})

describe("csvLine", () => {
  it("quotes what would be taken apart", () => {
    assert.strictEqual(
      csvLine(["plain", "a,b", 'say "no"', "two\nlines", 7, true]),
      'plain,"a,b","say ""no""","two\nlines",7,true'
    )
  })
})
