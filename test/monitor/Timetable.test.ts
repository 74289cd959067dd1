import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { DueHeap } from "../../src/monitor/DueHeap.ts"
import { Timetable } from "../../src/monitor/Timetable.ts"

const start = 1_780_000_000_000

/** Every run from `from` to `to`, taken the moment that it is due. */
const runs = (timetable: Timetable, to: number): Array<{ readonly key: string; readonly due: number }> => {
  const taken: Array<{ readonly key: string; readonly due: number }> = []
  for (let due = timetable.nextDue(); due !== undefined && due <= to; due = timetable.nextDue()) {
    taken.push(timetable.take(due)!)
  }
  return taken
}

describe("DueHeap", () => {
  it("gives its keys in order of time, then of key, whatever was moved or taken out", () => {
    const command = fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
      at: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined })
    })
    fc.assert(fc.property(fc.array(command), (commands) => {
      const heap = new DueHeap()
      const model = new Map<string, number>()
      for (const { at, key } of commands) {
        if (at === undefined) {
          heap.delete(key)
          model.delete(key)
        } else {
          heap.set(key, at)
          model.set(key, at)
        }
        assert.strictEqual(heap.size, model.size)
        assert.strictEqual(heap.first(), model.size === 0 ? undefined : Math.min(...model.values()))
      }
      const expected = [...model].sort(([k1, a1], [k2, a2]) => a1 - a2 || (k1 < k2 ? -1 : 1)).map(([key]) => key)
      const taken: Array<string> = []
      for (let key = heap.take(Infinity); key !== undefined; key = heap.take(Infinity)) taken.push(key)
      assert.deepStrictEqual(taken, expected)
    }))
  })
})

describe("Timetable", () => {
  const intervals = fc.integer({ min: 200, max: 600_000 })

  it("runs a target at a fixed rate: n runs in n intervals, none nearer or farther than the jitter allows", () => {
    fc.assert(fc.property(fc.string(), intervals, fc.integer({ min: 0, max: 2 ** 40 }), (key, interval, now) => {
      const timetable = new Timetable("node")
      timetable.set(key, interval, now)
      const taken = runs(timetable, now + 50 * interval).map(({ due }) => due)
      assert.isAtLeast(taken.length, 49)
      assert.isAtMost(taken.length, 51)
      assert.isAbove(taken[0]!, now)
      assert.isAtMost(taken[0]!, now + 1.05 * interval + 1)
      for (let i = 1; i < taken.length; i++) {
        const gap = taken[i]! - taken[i - 1]!
        assert.isAtLeast(gap, 0.95 * interval - 1)
        assert.isAtMost(gap, 1.05 * interval + 1)
      }
    }))
  })

  it("does not drift, however late runs are taken, and makes up for one missed run, not for all", () => {
    fc.assert(
      fc.property(
        fc.string(),
        intervals,
        fc.array(fc.double({ min: 0, max: 3, noNaN: true })),
        (key, interval, lates) => {
          const late = new Timetable("node")
          const punctual = new Timetable("node")
          late.set(key, interval, start)
          punctual.set(key, interval, start)
          let now = start
          for (const share of lates) {
            now = late.nextDue()! + Math.floor(share * interval)
            assert.isDefined(late.take(now))
            assert.isUndefined(late.take(now))
            assert.isAbove(late.nextDue()!, now)
          }
          runs(punctual, now)
          assert.strictEqual(late.nextDue(), punctual.nextDue())
        }
      )
    )
  })

  it("spreads the starts of many targets evenly over the interval, at another place on each node", () => {
    const interval = 10_000
    const spread = (salt: string) => {
      const timetable = new Timetable(salt)
      for (let i = 0; i < 30_000; i++) {
        timetable.set(`["endpoint","http","Member ${i % 30}","x","wss://x/${i}",false]`, interval, start)
      }
      return runs(timetable, start + interval)
    }
    const first = spread("one")
    const slots = new Array<number>(100).fill(0)
    for (const { due } of first) slots[Math.min(99, Math.floor((due - start) / (interval / 100)))]!++
    assert.isAtLeast(first.length, 28_000)
    // 300 are expected in each hundredth; six standard deviations are 104
    for (const count of slots) assert.closeTo(count, 300, 104)
    const other = new Map(spread("two").map(({ due, key }) => [key, due]))
    const near = first.filter(({ due, key }) => Math.abs(due - (other.get(key) ?? Infinity)) < 0.05 * interval)
    assert.isBelow(near.length, 0.2 * first.length)
  })

  it("adding, changing and removing targets leaves the others where they were", () => {
    const keys = fc.constantFrom(..."abcdefgh")
    const change = fc.record({ key: keys, interval: fc.option(intervals, { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(change), intervals, (changes, interval) => {
        const quiet = new Timetable("node")
        const busy = new Timetable("node")
        quiet.set("mine", interval, start)
        busy.set("mine", interval, start)
        for (const { interval, key } of changes) {
          if (interval === undefined) busy.remove(key)
          else busy.set(key, interval, start)
        }
        const mine = (timetable: Timetable) => runs(timetable, start + 5 * interval).filter(({ key }) => key === "mine")
        assert.deepStrictEqual(mine(busy), mine(quiet))
      }),
      { numRuns: 50 }
    )
  })

  it("setting the interval that a target has already changes nothing", () => {
    const timetable = new Timetable("node")
    timetable.set("a", 1_000, start)
    const due = timetable.nextDue()
    timetable.set("a", 1_000, start + 700)
    assert.strictEqual(timetable.nextDue(), due)
    assert.strictEqual(timetable.size, 1)
  })

  it("an extra run comes in between and leaves the regular ones alone; a later one is not needed", () => {
    fc.assert(
      fc.property(fc.string(), intervals, fc.double({ min: 0, max: 2, noNaN: true }), (key, interval, share) => {
        const plain = new Timetable("node")
        const rechecked = new Timetable("node")
        plain.set(key, interval, start)
        rechecked.set(key, interval, start)
        const at = start + Math.floor(share * interval)
        rechecked.recheck(key, at)
        const regular = runs(plain, start + 5 * interval).map(({ due }) => due)
        const all = runs(rechecked, start + 5 * interval).map(({ due }) => due)
        assert.deepStrictEqual(all, at < regular[0]! ? [at, ...regular] : regular)
      })
    )
  })

  it("a removed target never runs again", () => {
    const timetable = new Timetable("node")
    timetable.set("a", 1_000, start)
    timetable.remove("a")
    timetable.recheck("a", start)
    assert.isUndefined(timetable.nextDue())
    assert.isUndefined(timetable.take(start + 10_000))
  })
})
