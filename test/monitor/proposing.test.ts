import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { needOf } from "../../src/monitor/proposing.ts"
import { debounce, undecided } from "../../src/status/Debounce.ts"
import { decision } from "../status/fixtures.ts"
import { plannedTarget } from "./planned.ts"

const planned = (minimumStateTime: number) => {
  const target = plannedTarget({ run: () => Effect.succeed({ up: true, error: "", data: null }) })
  return { ...target, check: { ...target.check, minimumStateTime } }
}
const seen = (...ups: ReadonlyArray<boolean>) =>
  ups.reduce((state, up, i) => debounce(state, up, i, { failAfter: 2, recoverAfter: 2 }), undecided)

describe("needOf", () => {
  it("is nothing before the observations agree, and where they agree with the official status", () => {
    assert.strictEqual(needOf(planned(0), seen(false), undefined, 1_000), "nothing")
    assert.strictEqual(needOf(planned(0), seen(false, false), decision(), 1_000), "nothing")
    assert.strictEqual(needOf(planned(0), seen(false, false, true), decision({ up: true }), 1_000), "nothing")
  })

  it("is a first status, or a change", () => {
    assert.strictEqual(needOf(planned(0), seen(true, true), undefined, 1_000), "first")
    assert.strictEqual(needOf(planned(0), seen(true, true), decision(), 1_000), "change")
  })

  it("waits for the minimum time in a state, but not for a clock that was far ahead", () => {
    const down = decision({ decidedAt: 100_000 })
    assert.strictEqual(needOf(planned(60_000), seen(true, true), down, 159_999), "nothing")
    assert.strictEqual(needOf(planned(60_000), seen(true, true), down, 160_000), "change")
    assert.strictEqual(needOf(planned(0), seen(true, true), decision({ decidedAt: 9e15 }), 1_000), "change")
  })
})
