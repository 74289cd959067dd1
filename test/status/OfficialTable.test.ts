import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { decodeEntry, encodeEntry } from "../../src/status/OfficialFile.ts"
import { clockTolerance, OfficialTable, remembers } from "../../src/status/OfficialTable.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

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
