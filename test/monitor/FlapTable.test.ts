import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import { FlapTable } from "../../src/monitor/FlapTable.ts"
import { targetOf } from "../simulation/plan/targetOf.ts"

const minute = 60_000
const limits = { halfLife: 15 * minute, suppressLimit: 5_000, reuseLimit: 2_000, maxSuppressTime: 60 * minute }
const [a, b] = [targetOf(0), targetOf(1)]

const table = () => {
  const made = new FlapTable()
  made.setLimits(limits)
  return made
}

describe("FlapTable", () => {
  it("says once that a target is held, keeps it apart from others, and lets it go", () => {
    const flaps = table()
    flaps.flap(b, 0)
    const told = [0, 1, 2, 3, 4, 5, 6].map((at) => flaps.flap(a, at)?.target)
    assert.deepStrictEqual(told.map((target) => target === a), [false, false, false, false, false, true, false])
    assert.isTrue(flaps.holds(targetKey(a), 6))
    assert.isFalse(flaps.holds(targetKey(b), 6))
    const [held, ...others] = flaps.held(6)
    assert.deepStrictEqual([held?.target, others], [a, []])
    const over = 6 + held!.left + 1_000
    assert.deepStrictEqual(flaps.retain(() => true, over - 2_000), [])
    assert.deepStrictEqual(flaps.retain(() => true, over), [a])
    assert.isFalse(flaps.holds(targetKey(a), over))
    assert.deepStrictEqual(flaps.held(over), [])
  })

  it("forgets what has faded, and what is not checked any more", () => {
    const flaps = table()
    flaps.flap(a, 0)
    flaps.flap(b, 0)
    flaps.retain((key) => key === targetKey(a), 1)
    assert.strictEqual(flaps.size, 1)
    flaps.retain(() => true, 90 * minute)
    assert.strictEqual(flaps.size, 1)
    flaps.retain(() => true, 100 * minute)
    assert.strictEqual(flaps.size, 0)
  })

  it("holds and remembers nothing when it is turned off", () => {
    const flaps = table()
    for (let at = 0; at < 10; at++) flaps.flap(a, at)
    flaps.setLimits(undefined)
    assert.isFalse(flaps.holds(targetKey(a), 10))
    for (let at = 10; at < 20; at++) assert.isUndefined(flaps.flap(a, at))
    assert.strictEqual(flaps.size, 0)
    flaps.setLimits(limits)
    assert.isFalse(flaps.holds(targetKey(a), 20))
  })

  it("always lets go in the end, within the longest time after the last flap", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 * minute }), { minLength: 1, maxLength: 200 }), (gaps) => {
        const flaps = table()
        let at = 0
        for (const gap of gaps) flaps.flap(a, at += gap)
        assert.isFalse(flaps.holds(targetKey(a), at + limits.maxSuppressTime + 1))
      })
    )
  })
})
