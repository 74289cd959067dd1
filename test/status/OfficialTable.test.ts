import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { decodeEntry, encodeEntry } from "../../src/status/OfficialFile.ts"
import { clockTolerance, OfficialTable, remembers } from "../../src/status/OfficialTable.ts"
import { decision, target, targetNamed } from "./fixtures.ts"
import { idOf, proven } from "./proving.ts"

const now = 1_000
const key = targetKey(target)
const make = (capacity = 100) => new OfficialTable({ capacity })
const tags = (table: OfficialTable, ...decisions: ReadonlyArray<Decision>) =>
  decisions.map((one) => {
    const applied = table.apply(one, now)
    return applied._tag === "Ignored" ? applied.reason : applied._tag
  })

describe("OfficialTable", () => {
  it("gives the change from nothing, and from one status to the other", () => {
    const table = make()
    const down = decision({ id: "a", decidedAt: 1 })
    const up = decision({ id: "b", decidedAt: 2, up: true, error: "" })
    assert.deepInclude(table.apply(down, now), { _tag: "Changed", change: { before: undefined, after: down } })
    assert.deepInclude(table.apply(up, now), { _tag: "Changed", change: { before: down, after: up } })
    assert.deepStrictEqual(table.get(key), up)
  })

  it("gives way when what it holds is from a clock that was far ahead", () => {
    const table = make()
    const ahead = decision({ id: "ahead", decidedAt: now + clockTolerance + 1 })
    const newest = { decidedAt: ahead.decidedAt, id: ahead.id }
    assert.isTrue(table.restore({ official: ahead, newest, recent: [ahead.id] }))
    const up = decision({ id: "up", up: true, decidedAt: now })
    assert.deepInclude(table.apply(up, now), { _tag: "Changed", change: { before: ahead, after: up } })
    assert.strictEqual(tags(table, decision({ id: "before", decidedAt: now - 1 }))[0], "old")
  })

  it("takes back what this node itself had taken, whatever its clock says now, but not what was superseded", () => {
    const table = make()
    const ahead = decision({ id: "ahead", decidedAt: now + clockTolerance + 1 })
    assert.deepInclude(table.recall(ahead, ahead, now), { _tag: "Ignored", reason: "clock" })
    assert.strictEqual(table.resume(ahead, now)._tag, "Changed")
    assert.strictEqual(table.apply(decision({ id: "up", up: true, decidedAt: now }), now)._tag, "Changed")
    assert.deepInclude(table.resume(ahead, now), { _tag: "Ignored", reason: "old" })
    assert.isTrue(table.get(key)!.up)
  })

  it("remembers the decision that its status replaced, however many say the same since, over a restart too", () => {
    const table = make()
    table.apply(decision({ id: "down", decidedAt: 1 }), now)
    for (let i = 2; i < 30; i++) table.apply(decision({ id: `up-${i}`, up: true, decidedAt: i }), now)
    const entry = table.allEntries().get(key)!
    for (const it of [entry, decodeEntry(JSON.parse(encodeEntry(entry)))!]) {
      assert.isTrue(remembers(it, "down"))
      assert.isTrue(remembers(it, "up-2"))
      assert.isTrue(remembers(it, "up-29"))
      assert.isFalse(remembers(it, "another"))
    }
  })

  it("does nothing on the same decision again, by whomever and whenever it was closed", () => {
    const table = make()
    assert.deepStrictEqual(
      tags(table, decision(), decision(), decision({ decidedAt: 1_001, decidedBy: "monitor-2" })),
      ["Changed", "old", "Same"]
    )
    assert.deepStrictEqual(table.get(key), decision())
  })

  it("keeps votes and time of the decision that made the status, when another says the same", () => {
    const table = make()
    assert.deepStrictEqual(
      tags(table, decision({ id: "a" }), decision({ id: "b", decidedAt: 2_000, votes: {} })),
      ["Changed", "Same"]
    )
    assert.deepStrictEqual(table.get(key), decision({ id: "a" }))
  })

  it("orders by what said the same last, too", () => {
    const table = make()
    assert.deepStrictEqual(
      tags(
        table,
        decision({ id: "a", decidedAt: 10 }),
        decision({ id: "b", decidedAt: 30 }),
        decision({ id: "c", decidedAt: 20, up: true })
      ),
      ["Changed", "Same", "old"]
    )
  })

  it("does not bring back what was superseded, when a late node closes it again", () => {
    const table = make()
    assert.deepStrictEqual(
      tags(
        table,
        decision({ id: "a", decidedAt: 10 }),
        decision({ id: "b", decidedAt: 20, up: true }),
        decision({ id: "a", decidedAt: 30 })
      ),
      ["Changed", "Changed", "old"]
    )
  })

  it("does not believe a decision that is more than five minutes from our clock", () => {
    const table = make()
    for (const decidedAt of [now - clockTolerance - 1, now + clockTolerance + 1, NaN]) {
      assert.deepStrictEqual(tags(table, decision({ decidedAt })), ["clock"])
    }
    assert.deepStrictEqual(tags(table, decision({ decidedAt: now + clockTolerance })), ["Changed"])
  })

  it("is bounded, and a flood of targets leaves those that are there alone", () => {
    const table = make(2)
    assert.deepStrictEqual(
      tags(
        table,
        decision(),
        decision({ target: targetNamed("b") }),
        decision({ target: targetNamed("c") }),
        decision({ id: "p2", up: true, decidedAt: 1_001 })
      ),
      ["Changed", "Changed", "full", "Changed"]
    )
    assert.strictEqual(table.size, 2)
  })

  it("forgets what is no longer configured, and has room again", () => {
    const table = make(2)
    tags(table, decision(), decision({ target: targetNamed("b") }))
    assert.deepStrictEqual(table.retain((t) => t.member === "b"), [key])
    assert.deepStrictEqual([...table.all().keys()], [targetKey(targetNamed("b"))])
    assert.deepStrictEqual(tags(table, decision({ target: targetNamed("c") })), ["Changed"])
  })

  it("remembers a bounded number of ids", () => {
    const table = make()
    for (let i = 0; i < 100; i++) {
      const applied = table.apply(decision({ id: `p${i}`, decidedAt: i, up: i % 2 === 0 }), now)
      assert.isTrue(applied._tag === "Changed" && applied.entry.recent.length <= 8)
    }
  })

  it("agrees with every table that heard the same, in any order and any number of times", () => {
    const decisions = fc.uniqueArray(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 3 }),
        up: fc.boolean(),
        decidedAt: fc.integer({ min: 0, max: 20 }),
        target: fc.constantFrom(target, targetNamed("other"))
      }),
      { selector: ({ id }) => id, maxLength: 20 }
    )
    const heard = decisions.chain((all) =>
      fc.record({
        all: fc.constant(all),
        first: fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
        second: fc.shuffledSubarray(all, { minLength: all.length })
      })
    )
    fc.assert(fc.property(heard, ({ all, first, second }) => {
      const statuses = [first, second].map((order) => {
        const table = make()
        for (const one of order) table.apply(decision(one), now)
        return new Map([...table.all()].map(([key, { up }]) => [key, up]))
      })
      const newest = new Map(
        [...all]
          .sort((a, b) => a.decidedAt - b.decidedAt || (a.id < b.id ? -1 : 1))
          .map((one) => [targetKey(one.target), one.up])
      )
      assert.deepStrictEqual(statuses[0], newest)
      assert.deepStrictEqual(statuses[1], newest)
    }))
  })

  it("orders what is proved by its step alone, whatever its times, and takes it before all that is not", () => {
    const table = make()
    const unproven = decision({ id: "p1", decidedAt: now })
    assert.strictEqual(table.apply(unproven, now)._tag, "Changed")
    // Far from our clock, and before what stands.
    const up = proven(2, 4e12)
    const down = proven(3, 5)
    assert.deepInclude(table.apply(up, now), { _tag: "Changed", change: { before: unproven, after: up } })
    assert.deepStrictEqual(tags(table, proven(1, now), proven(2, 5e12)), ["old", "Same"])
    assert.strictEqual(table.get(key), up)
    assert.deepInclude(table.recall(down, { decidedAt: 9e12, id: "x" }, now), {
      _tag: "Changed",
      change: { before: up, after: down }
    })
    assert.deepInclude(table.resume(up, now), { _tag: "Ignored", reason: "old" })
    assert.strictEqual(table.get(key), down)
  })

  it("gives a change when the opposite was proved in between, and none when it is proved what was only said", () => {
    const table = make()
    const said = decision({ id: "p1", decidedAt: now })
    assert.deepStrictEqual(tags(table, said, proven(1, 10)), ["Changed", "Same"])
    assert.strictEqual(table.get(key)?.id, idOf(target, 1))
    // The outage that was opened by what was only said is still known for the same.
    assert.isTrue(remembers(table.allEntries().get(key)!, "p1"))
    const applied = table.apply(proven(5, 8), now)
    assert.strictEqual(applied._tag, "Changed")
    if (applied._tag === "Changed") {
      assert.deepStrictEqual(applied.change, { before: proven(1, 10), after: proven(5, 8) })
    }
    // A node that was killed before it kept step 7 may have its outage open.
    assert.deepStrictEqual(tags(table, proven(6, 9), proven(8, 7), proven(8, 6)), ["Changed", "Changed", "Same"])
    assert.strictEqual(table.get(key)?.proof?.seq, 8)
  })

  it("ends in the highest step of each target at every node, in whatever order and however often they come", () => {
    const steps = fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 12 }),
        at: fc.integer({ min: 0, max: 4e12 }),
        late: fc.boolean(),
        target: fc.constantFrom(target, targetNamed("other")),
        by: fc.constantFrom("apply" as const, "resume" as const, "recall" as const)
      }),
      { minLength: 1, maxLength: 20 }
    )
    const heard = steps.chain((all) =>
      fc.record({
        all: fc.constant(all),
        orders: fc.array(fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }), {
          minLength: 2,
          maxLength: 4
        })
      })
    )
    fc.assert(fc.property(heard, ({ all, orders }) => {
      const highest: Record<string, number> = {}
      for (const { seq, target } of all) {
        highest[targetKey(target)] = Math.max(seq, highest[targetKey(target)] ?? 0)
      }
      for (const order of orders) {
        const table = make()
        const changes = new Map<string, number>()
        for (const { at, by, late, seq, target } of order) {
          const one = proven(seq, at, { late, target })
          const applied = by === "recall" ? table.recall(one, { decidedAt: at, id: "x" }, now) : table[by](one, now)
          if (applied._tag !== "Changed") continue
          const { after, before } = applied.change
          // Steps only rise, and each change begins where the last one ended or was said again.
          assert.isAbove(after.proof!.seq, before?.proof?.seq ?? 0)
          assert.isAtLeast(before?.proof?.seq ?? 0, changes.get(targetKey(target)) ?? 0)
          changes.set(targetKey(target), after.proof!.seq)
        }
        const entries = [...table.allEntries()]
        assert.deepStrictEqual(
          Object.fromEntries(entries.map(([key, { official }]) => [key, official.proof?.seq])),
          highest
        )
        for (const [, { official }] of entries) {
          assert.strictEqual(official.up, official.proof!.seq % 2 === 0)
          assert.strictEqual(official.id, idOf(official.target, official.proof!.seq))
        }
      }
    }))
  })

  it("keeps what orders decisions over a restart, and leaves certificates to consensus", () => {
    const table = make()
    table.apply(proven(4, 10, { late: true }), now)
    const line = encodeEntry(table.allEntries().get(key)!)
    assert.notInclude(line, "sig")
    const entry = decodeEntry(JSON.parse(line))!
    assert.deepStrictEqual(entry.official.proof, { seq: 4, late: true })
    const again = make()
    assert.isTrue(again.restore(entry))
    assert.deepStrictEqual(tags(again, proven(3, 11), proven(5, 2)), ["old", "Changed"])
  })

  it("gives changes that fit together", () => {
    const decisions = fc.array(fc.record({
      id: fc.constantFrom("a", "b", "c", "d", "e"),
      up: fc.boolean(),
      decidedAt: fc.integer({ min: 0, max: 20 })
    }))
    fc.assert(fc.property(decisions, (all) => {
      const table = make()
      let last: Decision | undefined
      for (const one of all) {
        const applied = table.apply(decision(one), now)
        if (applied._tag !== "Changed") continue
        assert.strictEqual(applied.change.before, last)
        assert.notStrictEqual(applied.change.after.up, last?.up)
        if (last !== undefined) assert.isAtLeast(applied.change.after.decidedAt, last.decidedAt)
        last = applied.change.after
      }
      assert.strictEqual(table.get(key), last)
    }))
  })
})
