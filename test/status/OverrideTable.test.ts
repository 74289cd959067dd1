import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { holdsAt, isOverrideRecord, type Override, overrideState } from "../../src/domain/Override.ts"
import { endRemembered, forgottenAt, listedAfterEnd, mergeOverride } from "../../src/status/mergeOverride.ts"
import { decodeOverrides, overridesEncoder } from "../../src/status/OverrideFile.ts"
import { type OverrideLimits, OverrideTable } from "../../src/status/OverrideTable.ts"
import { override } from "./overridden.ts"

const now = 1_000_000
const ended = (at: number, by = "ann") => ({ at, by, reason: "repaired" })
const limits = (over: Partial<OverrideLimits> = {}): OverrideLimits => ({
  capacity: 1_000,
  reserved: 0,
  perNode: 1_000,
  strangers: 1_000,
  ...over
})
const tableOf = (overrides: Iterable<Override>, capacity = 1_000) => {
  const table = new OverrideTable(limits({ capacity }))
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

describe("what others tell", () => {
  const known = (name: string) => !name.startsWith("Nobody")
  const heard = (table: OverrideTable, id: string, over: Partial<Override> = {}) =>
    table.take(override({ id, ...over }), now, "bus")

  it("for members that the documents lack has little room, the newest stays, and the rest of the table is free", () => {
    const table = new OverrideTable(limits({ strangers: 3 }), known)
    for (let i = 0; i < 1_000; i++) {
      assert.strictEqual(heard(table, `s${i}`, { member: `Nobody ${i}`, at: 1_000 + i }), "new")
    }
    assert.deepStrictEqual(ids(table.all()), ["s997", "s998", "s999"])
    assert.strictEqual(heard(table, "late", { member: "Nobody", at: 1_000 }), "full")
    assert.strictEqual(heard(table, "real"), "new")
    assert.strictEqual(table.size, 4)
  })

  it("gives way where it is for members that the documents lack, and is counted anew when these change", () => {
    const table = new OverrideTable(limits({ capacity: 3, strangers: 3 }), known)
    for (const id of ["a", "b", "c"]) heard(table, id, { member: "Nobody" })
    assert.strictEqual(heard(table, "real"), "new")
    assert.deepStrictEqual(ids(table.all()), ["b", "c", "real"])
    table.know(() => true)
    assert.strictEqual(heard(table, "real 2"), "full", "what is in force stays")
    table.know(known)
    assert.strictEqual(heard(table, "real 2"), "new")
  })

  it("leaves room for what is given here", () => {
    const table = new OverrideTable(limits({ capacity: 10, reserved: 2 }))
    for (let i = 0; i < 20; i++) heard(table, `h${i}`)
    assert.strictEqual(table.size, 8)
    assert.strictEqual(table.take(override({ id: "own 1" }), now), "new")
    assert.strictEqual(table.take(override({ id: "own 2" }), now), "new")
    assert.strictEqual(table.take(override({ id: "own 3" }), now), "full")
    assert.isDefined(table.get("h0"))
  })

  it("that one node gave has a bound, within which its own that are over give way", () => {
    const table = new OverrideTable(limits({ perNode: 3 }))
    heard(table, "over", { until: 2_000 })
    heard(table, "a")
    heard(table, "b", { from: now + 1 })
    assert.strictEqual(heard(table, "c"), "new")
    assert.deepStrictEqual(ids(table.all()), ["a", "b", "c"])
    for (let i = 0; i < 100; i++) assert.strictEqual(heard(table, `flood ${i}`), "full")
    assert.strictEqual(heard(table, "other", { node: "monitor-2" }), "new")
    assert.strictEqual(heard(table, "a", { ended: ended(now) }), "changed")
    assert.strictEqual(heard(table, "d"), "new")
    assert.deepStrictEqual(ids(table.all()), ["b", "c", "d", "other"])
  })

  it("takes a member out whatever others fill the table with, and keeps what does so", () => {
    const table = new OverrideTable(limits({ capacity: 20, perNode: 10 }))
    for (let i = 0; i < 30; i++) heard(table, `planned ${i}`, { member: `M${i % 4}`, from: now + 1, node: `n${i % 3}` })
    assert.strictEqual(table.size, 20)
    assert.strictEqual(heard(table, "plan", { member: "Harbour", from: now + 1, node: "honest" }), "full")
    assert.strictEqual(heard(table, "holds", { member: "Harbour", node: "n0" }), "new")
    for (let i = 0; i < 30; i++) heard(table, `double ${i}`, { member: "Harbour", node: `d${i}` })
    assert.strictEqual(table.active(now).get("Harbour")?.id, "holds")
    for (let i = 0; i < 30; i++) heard(table, `all ${i}`, { member: `N${i}`, node: `a${i}` })
    assert.strictEqual(table.active(now).size, 20)
    assert.strictEqual(table.active(now).get("Harbour")?.id, "holds")
  })

  it("has the digest of what is left, however it came about", () => {
    const table = new OverrideTable(limits({ strangers: 2, perNode: 5, capacity: 8 }), known)
    const some = fc.record({
      id: fc.nat(30).map(String),
      member: fc.constantFrom("Lagoon", "Nobody"),
      node: fc.constantFrom("x", "y"),
      at: fc.nat(2 * now),
      isOver: fc.boolean()
    })
    fc.assert(fc.property(some, fc.boolean(), ({ isOver, ...it }, forgets) => {
      table.take(override({ ...it, ...isOver && { ended: ended(it.at) } }), now, "bus")
      if (forgets) table.forget(now + listedAfterEnd)
      assert.strictEqual(table.digest(), tableOf(table.all()).digest())
      assert.strictEqual(table.copy().digest(), table.digest())
      assert.isAtMost(table.size, 8)
    }))
  })

  it("from a clock far behind or ahead ends all the same, and does not come back", () => {
    for (const at of [0, 1, now, 1e15]) {
      const table = tableOf([override({ at: now - 10 })])
      table.take(override({ at: now - 10, ended: ended(at) }), now)
      table.forget(now + 1)
      assert.deepStrictEqual(ids(table.listed(now)), ["o1"], `${at}`)
      assert.strictEqual(table.take(override({ at: now - 10 }), now, "bus"), "known", "who missed the end")
      assert.strictEqual(table.active(now).size, 0)
    }
    assert.strictEqual(tableOf([override({ at: 1, until: 2 })]).active(now).size, 0)
    assert.strictEqual(tableOf([override({ until: 8.64e15 })]).nextChange(now), 8.64e15)
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
    const encode = overridesEncoder()
    fc.assert(fc.property(fc.array(valid, { maxLength: 8 }), (xs) => {
      const table = tableOf(xs)
      const read = decodeOverrides(encode(table.all()))
      assert.deepStrictEqual(read, { overrides: table.all(), broken: 0 })
      assert.strictEqual(encode(table.all()), overridesEncoder()(table.all()), "the second time, too")
      assert.strictEqual(tableOf(read!.overrides).digest(), table.digest())
    }))
  })
})
