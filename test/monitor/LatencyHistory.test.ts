import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { LatencyHistory, latencyPeriod } from "../../src/monitor/LatencyHistory.ts"

const exact = (samples: ReadonlyArray<number>, share: number): number =>
  samples.toSorted((a, b) => a - b)[Math.ceil(share * samples.length) - 1]!

describe("LatencyHistory", () => {
  it("gives percentiles within a tenth of what was measured", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 300 }), (samples) => {
        const history = new LatencyHistory()
        for (const sample of samples) history.record("a", sample, 0)
        const { p50, p95, p99 } = history.percentiles("a", 0)!
        for (const [shown, share] of [[p50, 0.5], [p95, 0.95], [p99, 0.99]] as const) {
          const real = exact(samples, share)
          assert.isAtMost(Math.abs(shown - real), 0.15 * real + 0.5, `${shown} for ${real}`)
        }
      })
    )
  })

  it("keeps keys apart, whatever comes and goes", () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 200 }),
      millis: fc.integer({ min: 1, max: 900 }),
      goes: fc.boolean()
    })
    fc.assert(fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const history = new LatencyHistory()
      const alone = new Map<string, LatencyHistory>()
      for (const { goes, key, millis } of steps) {
        const name = `${key}`
        if (goes && key % 3 === 0) {
          history.forget(name)
          alone.delete(name)
        } else {
          history.record(name, millis, 0)
          if (!alone.has(name)) alone.set(name, new LatencyHistory())
          alone.get(name)!.record(name, millis, 0)
        }
      }
      assert.strictEqual(history.size, alone.size)
      for (const [name, other] of alone) {
        assert.deepStrictEqual(history.percentiles(name, 0), other.percentiles(name, 0))
      }
    }))
  })

  it("forgets what is older than two periods, and not what is younger than one", () => {
    const history = new LatencyHistory()
    history.record("a", 1_000, latencyPeriod - 1)
    history.record("a", 10, latencyPeriod + 1)
    assert.isAbove(history.percentiles("a", latencyPeriod + 2)!.p99, 900)
    assert.isBelow(history.percentiles("a", 2 * latencyPeriod + 1)!.p99, 12)
    assert.isUndefined(history.percentiles("a", 3 * latencyPeriod + 1))
    history.record("a", 100, 3 * latencyPeriod + 2)
    assert.isUndefined(history.percentiles("a", 9 * latencyPeriod))
    assert.isUndefined(history.percentiles("b", 0))
  })

  it("keeps its percentiles when a bucket is full, and takes what is out of range", () => {
    const history = new LatencyHistory()
    for (let i = 0; i < 200_000; i++) history.record("a", i % 10 === 0 ? 1_000 : 10, 0)
    const { p50, p95 } = history.percentiles("a", 0)!
    assert.isAtMost(Math.abs(p50 - 10), 1)
    assert.isAtMost(Math.abs(p95 - 1_000), 100)
    for (const millis of [0, -5, 0.2, 1e9]) history.record("odd", millis, 0)
    assert.isAtLeast(history.percentiles("odd", 0)!.p99, 50_000)
  })

  it("takes less than 20 MB for 30,000 targets", () => {
    const history = new LatencyHistory()
    for (let i = 0; i < 30_000; i++) history.record(`${i}`, i, 0)
    assert.isAtMost(history.bytes, 20 * 2 ** 20)
    assert.deepStrictEqual([...history.keys()].length, 30_000)
  })
})
