import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { QuietStart } from "../../src/monitor/QuietStart.ts"

describe("QuietStart", () => {
  it("holds a first `down` for up to a tenth of the interval, a first `up` for up to an interval", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(fc.property(fc.boolean(), fc.integer({ min: 200, max: 600_000 }), random, (up, interval, random) => {
      const quiet = new QuietStart()
      quiet.wait("a", up, interval, 1_000, random)
      const at = quiet.next()!
      assert.isAtLeast(at, 1_000)
      assert.isBelow(at, 1_000 + (up ? Math.min(interval, 30_000) : Math.min(interval / 10, 3_000)))
      assert.isUndefined(quiet.take(at - 1))
      assert.strictEqual(quiet.take(at), "a")
      assert.isUndefined(quiet.next())
    }))
  })

  it("a cold start with everything up proposes 20 a second at most; downs do not wait for ups", () => {
    const quiet = new QuietStart()
    for (let i = 0; i < 1_000; i++) quiet.wait(`up ${i}`, true, 10_000, 0, i / 1_000)
    quiet.wait("down", false, 10_000, 0, 0.5)
    const at = new Map<string, number>()
    for (let now = quiet.next(); now !== undefined; now = quiet.next()) {
      const key = quiet.take(now)!
      at.set(key, now)
      if (key !== "down") quiet.spend(now)
    }
    assert.strictEqual(at.size, 1_001)
    assert.strictEqual(at.get("down"), 500)
    const ups = [...at].filter(([key]) => key !== "down").map(([, now]) => now)
    for (let i = 1; i < ups.length; i++) assert.isAtLeast(ups[i]! - ups[i - 1]!, 50)
  })

  it("one that others decided meanwhile costs no turn", () => {
    const quiet = new QuietStart()
    quiet.wait("a", true, 10_000, 0, 0)
    quiet.wait("b", true, 10_000, 0, 0)
    assert.strictEqual(quiet.take(0), "a")
    assert.strictEqual(quiet.take(0), "b")
  })

  it("being seen again does not move a wait; being seen otherwise does", () => {
    const quiet = new QuietStart()
    quiet.wait("a", true, 10_000, 0, 0.5)
    quiet.wait("a", true, 10_000, 1_000, 0.9)
    assert.strictEqual(quiet.next(), 5_000)
    quiet.wait("a", false, 10_000, 2_000, 0.5)
    assert.strictEqual(quiet.next(), 2_500)
    assert.strictEqual(quiet.size, 1)
    quiet.forget("a")
    assert.isUndefined(quiet.next())
  })
})
