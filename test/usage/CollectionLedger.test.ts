import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { CollectionLedger, LedgerDocument } from "../../src/usage/CollectionLedger.ts"

const at = (text: string) => Date.parse(text)
const brief = (ledger: CollectionLedger, now: number) =>
  ledger.completeness(now).map((it) => `${it.day} ${it.node} ${it.state}`)
const kept = (ledger: CollectionLedger) =>
  CollectionLedger.from(
    Schema.decodeUnknownSync(LedgerDocument)(Schema.encodeSync(LedgerDocument)(ledger.toDocument()))
  )

describe("CollectionLedger", () => {
  it("a day is complete when it was told in full after its end, and what late clocks may add", () => {
    const ledger = new CollectionLedger()
    ledger.expect(["a"], at("2026-03-01T10:00:00Z"))
    ledger.collected("a", "2026-03-01", 5, at("2026-03-01T23:00:00Z"))
    ledger.collected("a", "2026-03-01", 7, at("2026-03-02T00:00:00Z"))
    assert.deepStrictEqual(brief(ledger, at("2026-03-02T00:05:00Z")), ["2026-03-01 a running"])
    assert.deepStrictEqual(brief(ledger, at("2026-03-02T00:10:00Z")), ["2026-03-01 a missing"])
    ledger.collected("a", "2026-03-01", 7, at("2026-03-02T01:00:00Z"))
    assert.deepStrictEqual(brief(ledger, at("2026-03-02T01:00:00Z")), ["2026-03-01 a complete"])
  })

  it("remembers over restarts who was there, and expects them on the days nobody looked", () => {
    const ledger = new CollectionLedger()
    ledger.expect(["a", "b"], at("2026-03-01T10:00:00Z"))
    const next = kept(ledger)
    next.expect(["b"], at("2026-03-04T10:00:00Z"))
    assert.deepStrictEqual(brief(next, at("2026-03-04T10:00:00Z")), [
      "2026-03-01 a missing",
      "2026-03-01 b missing",
      "2026-03-02 a missing",
      "2026-03-02 b missing",
      "2026-03-03 a missing",
      "2026-03-03 b missing",
      "2026-03-04 b running"
    ])
    next.expect(["b"], at("2026-03-05T10:00:00Z"))
    assert.include(brief(next, at("2026-03-05T10:00:00Z")), "2026-03-05 b running")
    assert.notInclude(brief(next, at("2026-03-05T10:00:00Z")), "2026-03-05 a running")
    assert.deepStrictEqual(kept(next).toDocument(), next.toDocument())
  })

  it("asks again for five weeks, each node for what it has not told, and forgets then", () => {
    const ledger = new CollectionLedger()
    const now = at("2026-03-10T10:00:00Z")
    ledger.expect(["a"], now)
    const days = ledger.toCatchUp(["a", "b"], now)
    assert.deepStrictEqual([days.length, days[0]?.day, days.at(-1)?.day], [34, "2026-02-03", "2026-03-08"])
    for (const { day } of days) ledger.collected("a", day, 0, now)
    assert.isTrue(ledger.toCatchUp(["a", "b"], now).every(({ nodes }) => nodes.join() === "b"))
    assert.deepStrictEqual(ledger.toCatchUp(["a"], now), [])
    ledger.expect(["a"], at("2026-05-01T10:00:00Z"))
    assert.isTrue(ledger.completeness(at("2026-05-01T10:00:00Z")).every(({ day }) => day >= "2026-03-27"))
  })

  it("notices totals that fall, and those that come when a day is closed", () => {
    const ledger = new CollectionLedger()
    assert.deepStrictEqual(ledger.collected("a", "2026-03-01", 10, at("2026-03-02T01:00:00Z")), {
      fell: 0,
      corrected: 0
    })
    assert.deepStrictEqual(ledger.collected("a", "2026-03-01", 8, at("2026-03-02T02:00:00Z")), {
      fell: 2,
      corrected: 0
    })
    assert.deepStrictEqual(ledger.collected("a", "2026-03-01", 11, at("2026-03-03T23:59:59Z")), {
      fell: 0,
      corrected: 0
    })
    assert.deepStrictEqual(ledger.collected("a", "2026-03-01", 15, at("2026-03-04T00:00:00Z")), {
      fell: 0,
      corrected: 4
    })
    const [it] = ledger.completeness(at("2026-03-04T00:00:00Z"))
    assert.deepStrictEqual([it?.hits, it?.fallen, it?.corrected, it?.closed], [15, 2, 4, true])
  })

  it("does not call a day complete because a clock was ahead, whoever comes later", () => {
    const ledger = new CollectionLedger()
    const now = at("2026-06-10T10:00:00Z")
    const ahead = now + 86_400_000
    ledger.expect(["a"], now)
    ledger.expect(["a"], ahead)
    ledger.collected("a", "2026-06-09", 50, ahead)
    ledger.collected("a", "2026-06-10", 100, ahead)
    assert.include(brief(ledger, ahead), "2026-06-10 a complete")
    assert.include(brief(ledger, now), "2026-06-10 a running")
    const next = kept(ledger)
    next.expect(["a"], now + 3_600_000)
    const later = now + 3 * 86_400_000
    assert.include(brief(next, later), "2026-06-10 a missing")
    assert.isTrue(next.toCatchUp(["a"], later).some(({ day }) => day === "2026-06-10"))
    // Told again by a clock that is right.
    next.collected("a", "2026-06-10", 130, later)
    next.collected("a", "2026-06-09", 50, later)
    assert.include(brief(next, later), "2026-06-10 a complete")
    assert.include(brief(next, later), "2026-06-09 a complete")
  })

  it("does not drop what is missing because a clock was ahead or behind for a while", () => {
    for (const days of [60, 400, -60, 20_000]) {
      const ledger = new CollectionLedger()
      const now = at("2026-06-10T10:00:00Z")
      for (let day = -150; day <= 0; day++) ledger.expect(["a", "b"], now + day * 86_400_000)
      const before = brief(ledger, now)
      assert.lengthOf(before.filter((it) => it.endsWith("missing")), 70)
      for (let i = 0; i < 48; i++) ledger.expect(["b"], now + days * 86_400_000 + i * 3_600_000)
      const next = kept(ledger)
      next.expect(["a", "b"], now)
      assert.deepStrictEqual(brief(next, now), before)
    }
  })

  it("is bounded, however long it goes", () => {
    const old = new CollectionLedger()
    for (let day = 0; day < 1_000; day++) old.expect(["a"], day * 86_400_000)
    assert.isAtMost(Object.keys(old.toDocument().days).length, 120)
  })

  it("is bounded, whoever answers", () => {
    const ledger = new CollectionLedger()
    const now = at("2026-03-01T10:00:00Z")
    ledger.expect(Array.from({ length: 5_000 }, (_, i) => `node-${i}`), now)
    for (let i = 0; i < 5_000; i++) ledger.collected(`other-${i}`, "2026-02-28", 1, now)
    assert.isAtMost(ledger.completeness(now).length, 2_000)
  })
})
