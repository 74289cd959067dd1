import { assert, describe, it } from "@effect/vitest"
import { awayAfter, type Clocks, wasAway } from "../../src/status/wasAway.ts"

const before: Clocks = { wall: Date.parse("2026-04-21T08:00:00Z"), monotonic: 5_000 }
const after = (wall: number, monotonic: number): Clocks => ({
  wall: before.wall + wall,
  monotonic: before.monotonic + monotonic
})

describe("wasAway", () => {
  it("does not mind looks that are a little late, nor a clock that was set back", () => {
    assert.isFalse(wasAway(before, after(2_000, 2_000), 2_000))
    assert.isFalse(wasAway(before, after(2_000 + awayAfter, 2_000 + awayAfter), 2_000))
    assert.isFalse(wasAway(before, after(-3_600_000, 2_000), 2_000))
  })

  it("is told by both clocks of a process that was stopped, and by the time of day of a machine that slept", () => {
    assert.isTrue(wasAway(before, after(60_000, 60_000), 2_000))
    assert.isTrue(wasAway(before, after(3_600_000, 2_000), 2_000))
    assert.isTrue(wasAway(before, after(-3_600_000, 60_000), 2_000))
  })
})
