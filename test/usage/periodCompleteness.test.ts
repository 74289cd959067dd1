import { assert, describe, it } from "@effect/vitest"
import { CollectionLedger } from "../../src/usage/CollectionLedger.ts"
import { periodCompleteness } from "../../src/usage/periodCompleteness.ts"

const now = Date.parse("2026-03-05T12:00:00Z")

describe("periodCompleteness", () => {
  it("tells the days between those that are known, and none that is still to come", () => {
    const ledger = new CollectionLedger()
    for (const day of ["2026-02-28", "2026-03-03", "2026-03-05"]) ledger.collected("a", day, 1, now - 1_000)
    const of = (from: string, to: string) => periodCompleteness(ledger.completeness(now), { from, to }, now)
    assert.deepStrictEqual(of("2026-02-26", "2026-03-31"), {
      collectedAt: now - 1_000,
      incomplete: [{ day: "2026-03-05", node: "a", state: "running" }],
      unknown: [
        { from: "2026-02-26", to: "2026-02-27" },
        { from: "2026-03-01", to: "2026-03-02" },
        { from: "2026-03-04", to: "2026-03-04" }
      ]
    })
    assert.deepStrictEqual(of("2026-03-03", "2026-03-03"), {
      collectedAt: now - 1_000,
      incomplete: [],
      unknown: []
    })
    assert.deepStrictEqual(of("2020-01-01", "2020-12-31").unknown, [{ from: "2020-01-01", to: "2020-12-31" }])
    assert.deepStrictEqual(of("2026-03-06", "2026-03-09"), { collectedAt: undefined, incomplete: [], unknown: [] })
  })

  it("does not take a day for complete that nobody came back for", () => {
    const ledger = new CollectionLedger()
    ledger.expect(["a", "b"], Date.parse("2026-03-04T12:00:00Z"))
    ledger.collected("a", "2026-03-04", 1, Date.parse("2026-03-04T12:00:01Z"))
    const { collectedAt, incomplete } = periodCompleteness(
      ledger.completeness(now),
      { from: "2026-03-04", to: "2026-03-04" },
      now
    )
    assert.strictEqual(collectedAt, Date.parse("2026-03-04T12:00:01Z"))
    assert.deepStrictEqual(incomplete.map(({ node, state }) => `${node} ${state}`), ["a missing", "b missing"])
  })
})
