import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { holdsAt, isOverrideRecord, type Override, overrideState } from "../../src/domain/Override.ts"
import { decodeOverrides, encodeOverrides } from "../../src/status/OverrideFile.ts"
import {
  endRemembered,
  forgottenAt,
  listedAfterEnd,
  mergeOverride,
  OverrideTable
} from "../../src/status/OverrideTable.ts"
import { override } from "./overridden.ts"

const now = 1_000_000
const ended = (at: number, by = "ann") => ({ at, by, reason: "repaired" })
const tableOf = (overrides: Iterable<Override>, capacity = 1_000) => {
  const table = new OverrideTable({ capacity })
  for (const it of overrides) table.take(it, now)
  return table
}
const ids = (overrides: Iterable<Override>) => Array.from(overrides, ({ id }) => id).sort()

describe("an override", () => {
  it("given to hold at once, or ended, is so whatever our clock says; a planned time is waited for", () => {
    const fast = override({ at: now + 600_000 })
    assert.isTrue(holdsAt(fast, now))
    assert.strictEqual(overrideState({ ...fast, ended: ended(now + 600_001) }, now), "over")
    const planned = override({ at: 1, from: now, until: now + 10 })
    assert.deepStrictEqual(
      [now - 1, now, now + 9, now + 10].map((at) => overrideState(planned, at)),
      ["planned", "active", "active", "over"]
    )
    assert.strictEqual(overrideState({ ...planned, ended: ended(2) }, 3), "over")
  })

  it("has records of its own that are no outages", () => {
    const site = {
      checkType: "site",
      check: "override",
      member: "Lagoon",
      domain: "",
      endpoint: "",
      ipv6: false
    } as const
    assert.isTrue(isOverrideRecord(site))
    assert.isTrue(isOverrideRecord({ ...site, check: "maintenance" }))
    assert.isFalse(isOverrideRecord({ ...site, check: "ping" }))
    assert.isFalse(isOverrideRecord({ ...site, checkType: "domain" }))
  })
})

describe("what is active", () => {
  it("is by member the one that holds longest", () => {
    const table = tableOf([
      override({ id: "a", until: now + 50 }),
      override({ id: "b", until: now + 100 }),
      override({ id: "c", from: now + 10 }),
      override({ id: "d", member: "Harbour", until: now })
    ])
    assert.deepStrictEqual([...table.active(now)].map(([member, { id }]) => [member, id]), [["Lagoon", "b"]])
    assert.strictEqual(table.nextChange(now), now + 10)
    assert.strictEqual(table.active(now + 10).get("Lagoon")?.id, "c")
    assert.strictEqual(table.nextChange(now + 100), Number.POSITIVE_INFINITY)
  })
})

describe("forgetting", () => {
  it("takes 35 days after the end, and longer where the override would hold again without its end", () => {
    const until = override({ until: now })
    assert.strictEqual(forgottenAt(until), now + listedAfterEnd)
    assert.strictEqual(forgottenAt(override()), Number.POSITIVE_INFINITY)
    assert.strictEqual(forgottenAt(override({ ended: ended(now) })), now + endRemembered)
    assert.strictEqual(forgottenAt(override({ until: now + 5, ended: ended(now) })), now + listedAfterEnd)
    const table = tableOf([until, override({ id: "o2", ended: ended(now) })])
    const later = now + listedAfterEnd
    assert.deepStrictEqual(ids(table.listed(later)), [])
    table.forget(later)
    assert.deepStrictEqual(ids(table.all()), ["o2"])
    // A node that was away brings neither back.
    assert.strictEqual(table.take(until, later), "old")
    assert.strictEqual(table.take(override({ id: "o2" }), later), "known")
    assert.strictEqual(table.active(later).size, 0)
  })

  it("makes room among those that are over, and never among those in force or planned", () => {
    const table = tableOf([
      override({ id: "over late", until: 2_000 }),
      override({ id: "over first", until: 1_500 }),
      override({ id: "ended", ended: ended(1_400) }),
      override({ id: "planned", from: now + 1 })
    ], 4)
    const take = (id: string, over: Partial<Override> = {}) => table.take(override({ id, ...over }), now)
    assert.strictEqual(take("older", { until: 1_200 }), "full")
    assert.strictEqual(take("n1"), "new")
    assert.deepStrictEqual(ids(table.all()), ["ended", "n1", "over late", "planned"])
    assert.strictEqual(take("n2"), "new")
    assert.strictEqual(take("n3"), "new")
    assert.deepStrictEqual(ids(table.all()), ["n1", "n2", "n3", "planned"])
    for (let i = 0; i < 100; i++) assert.strictEqual(take(`flood ${i}`), "full")
    assert.deepStrictEqual(ids(table.all()), ["n1", "n2", "n3", "planned"])
    assert.strictEqual(take("n1", { ended: ended(now) }), "changed")
    assert.strictEqual(take("n4"), "new")
  })
})

describe("merging", () => {
  const time = fc.integer({ min: now - 50, max: now + 50 })
  const word = fc.constantFrom("a", "b", "c")
  const any: fc.Arbitrary<Override> = fc.record({
    id: fc.constantFrom("1", "2", "3", "4"),
    kind: fc.constantFrom("override", "maintenance"),
    member: word,
    reason: word,
    author: word,
    node: word,
    at: time,
    from: time,
    until: fc.option(fc.integer({ min: now + 51, max: now + 60 }), { nil: undefined }),
    ended: fc.option(fc.record({ at: time, by: word, reason: word }), { nil: undefined })
  })
  const one = any.map((it) => ({ ...it, id: "1" }))

  it("is commutative, associative and idempotent, also for copies that should not differ", () => {
    fc.assert(fc.property(one, one, one, (a, b, c) => {
      assert.deepStrictEqual(mergeOverride(a, b), mergeOverride(b, a))
      assert.deepStrictEqual(mergeOverride(mergeOverride(a, b), c), mergeOverride(a, mergeOverride(b, c)))
      assert.strictEqual(mergeOverride(a, a), a)
      const ab = mergeOverride(a, b)
      assert.deepStrictEqual(mergeOverride(ab, a), ab)
      assert.deepStrictEqual(mergeOverride(ab, b), ab)
    }))
  })

  it("keeps the first end that was given", () => {
    const first = override({ ended: ended(5, "bob") })
    assert.deepStrictEqual(mergeOverride(override({ ended: ended(7) }), first), first)
    assert.strictEqual(mergeOverride(override({ ended: ended(5, "cid") }), first).ended?.by, "bob")
    assert.deepStrictEqual(mergeOverride(override(), first), first)
  })

  it("comes to the same whatever the order and however often, and nothing else has the same digest", () => {
    fc.assert(fc.property(fc.array(any, { maxLength: 12 }), fc.array(any, { maxLength: 12 }), fc.nat(), (xs, ys, n) => {
      const shuffled = [...xs, ...ys].sort((a, b) =>
        (JSON.stringify(a).length * n) % 7 - (JSON.stringify(b).length * n) % 7
      )
      const [once, twice] = [tableOf([...xs, ...ys]), tableOf([...shuffled, ...xs.toReversed(), ...shuffled])]
      const byId = (table: OverrideTable) => [...table.all()].sort((a, b) => a.id < b.id ? -1 : 1)
      assert.deepStrictEqual(byId(twice), byId(once))
      assert.strictEqual(twice.digest(), once.digest())
      const other = tableOf(xs)
      assert.strictEqual(other.digest() === once.digest(), JSON.stringify(byId(other)) === JSON.stringify(byId(once)))
    }))
  })

  it("survives the file", () => {
    const valid = any.map((it) => ({
      ...it,
      until: it.until === undefined ? undefined : Math.max(it.until, it.from + 1)
    }))
    fc.assert(fc.property(fc.array(valid, { maxLength: 8 }), (xs) => {
      const table = tableOf(xs)
      const read = decodeOverrides(encodeOverrides(table.all()))
      assert.deepStrictEqual(read, { overrides: table.all(), broken: 0 })
      assert.strictEqual(tableOf(read!.overrides).digest(), table.digest())
    }))
  })
})
