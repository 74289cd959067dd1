import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { DayClock } from "../../src/usage/DayClock.ts"

const at = (text: string) => Date.parse(text)
const minute = 60_000

describe("DayClock", () => {
  it("is the wall clock's day, to the millisecond", () => {
    const start = at("2026-02-28T23:00:00Z")
    const clock = new DayClock(start, 0)
    assert.strictEqual(clock.dayAt(start + 60 * minute - 1, 60 * minute - 1), "2026-02-28")
    assert.strictEqual(clock.dayAt(start + 60 * minute, 60 * minute), "2026-03-01")
    assert.isUndefined(clock.problem)
  })

  it("does not go back over midnight by less than a minute", () => {
    const start = at("2026-03-01T23:59:50Z")
    const clock = new DayClock(start, 0)
    assert.strictEqual(clock.dayAt(start + 20_000, 20_000), "2026-03-02")
    assert.strictEqual(clock.dayAt(start + 5_000, 25_000), "2026-03-02")
    assert.isUndefined(clock.problem)
  })

  it("stays on the last good day when the clock is set, says by how much, and believes it after ten steady minutes", () => {
    for (const jump of [-60 * minute, 26 * 60 * minute, -40 * 24 * 60 * minute]) {
      const start = at("2026-03-01T12:00:00Z")
      const clock = new DayClock(start, 0)
      assert.strictEqual(clock.dayAt(start + minute + jump, minute), "2026-03-01")
      assert.strictEqual(clock.problem, jump)
      assert.strictEqual(clock.dayAt(start + 10 * minute + jump, 10 * minute), "2026-03-01")
      assert.strictEqual(clock.problem, jump)
      const day = new Date(start + 11 * minute + jump).toISOString().slice(0, 10)
      assert.strictEqual(clock.dayAt(start + 11 * minute + jump, 11 * minute), day)
      assert.isUndefined(clock.problem)
    }
  })

  it("does not believe a clock that goes on jumping, and forgets a jump that is taken back", () => {
    const start = at("2026-03-01T12:00:00Z")
    const clock = new DayClock(start, 0)
    for (let i = 1; i < 60; i++) {
      assert.strictEqual(clock.dayAt(start + i * 24 * 60 * minute, i * minute), "2026-03-01")
    }
    assert.strictEqual(clock.dayAt(start + 60 * minute, 60 * minute), "2026-03-01")
    assert.isUndefined(clock.problem)
  })

  it("whatever the wall clock does, a day is one that it showed, and steady time follows it", () => {
    const step = fc.record({
      passes: fc.nat(20 * minute),
      jumps: fc.oneof(fc.constant(0), fc.integer({ min: -1e9, max: 1e9 }))
    })
    fc.assert(fc.property(fc.array(step), (steps) => {
      let wall = at("2026-03-01T12:00:00Z")
      let monotonic = 0
      const clock = new DayClock(wall, monotonic)
      const shown = new Set(["2026-03-01"])
      for (const { jumps, passes } of steps) {
        wall += passes + jumps
        monotonic += passes
        shown.add(new Date(wall).toISOString().slice(0, 10))
        assert.isTrue(shown.has(clock.dayAt(wall, monotonic)))
      }
      for (let i = 0; i < 3; i++) clock.dayAt(wall += 6 * minute, monotonic += 6 * minute)
      assert.isUndefined(clock.problem)
    }))
  })
})
