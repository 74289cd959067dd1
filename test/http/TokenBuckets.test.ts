import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { clientGroup, clientOf } from "../../src/http/ClientAddress.ts"
import { TokenBuckets } from "../../src/http/TokenBuckets.ts"

describe("TokenBuckets", () => {
  const rate = { perSecond: 2, burst: 3 }

  it("gives a burst, and then so many per second", () => {
    const buckets = new TokenBuckets(10)
    assert.deepStrictEqual([1, 2, 3, 4].map(() => buckets.take("a", 0, rate)), [0, 0, 0, 500])
    assert.strictEqual(buckets.take("a", 250, rate), 250)
    assert.strictEqual(buckets.take("a", 500, rate), 0)
    assert.strictEqual(buckets.take("b", 500, rate), 0)
    assert.deepStrictEqual([1, 2, 3, 4].map(() => buckets.take("a", 60_000, rate)), [0, 0, 0, 500])
  })

  it("says how long to wait without taking anything", () => {
    const buckets = new TokenBuckets(10)
    assert.strictEqual(buckets.wait("a", 0, rate), 0)
    for (let i = 0; i < 3; i++) buckets.take("a", 0, rate)
    assert.deepStrictEqual([buckets.wait("a", 0, rate), buckets.wait("a", 250, rate)], [500, 250])
    assert.strictEqual(buckets.take("a", 500, rate), 0)
  })

  it("never gives more than burst and rate, whatever the clock does", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 200 }), (steps) => {
      const buckets = new TokenBuckets(1)
      let now = 1e6
      let forward = 0
      let taken = 0
      for (const step of steps) {
        now += step
        forward += Math.max(0, step)
        if (buckets.take("a", now, rate) === 0) taken++
      }
      assert.isAtMost(taken, rate.burst + forward / 1000 * rate.perSecond + 1e-9)
    }))
  })

  it("does not starve a client when the clock is set back", () => {
    const buckets = new TokenBuckets(1)
    for (let i = 0; i < 4; i++) buckets.take("a", 3_600_000, rate)
    assert.strictEqual(buckets.take("a", 0, rate), 500)
    assert.strictEqual(buckets.take("a", 500, rate), 0)
  })

  it("remembers so many clients, those that came last", () => {
    const buckets = new TokenBuckets(100)
    for (let i = 0; i < 3; i++) buckets.take("kept", 0, rate)
    for (let i = 0; i < 50_000; i++) {
      buckets.take(`c${i}`, 0, rate)
      if (i % 50 === 0) assert.isAbove(buckets.take("kept", 0, rate), 0)
    }
    assert.strictEqual(buckets.size, 100)
  })
})

describe("a client", () => {
  it("is an IPv4 address or a /64", () => {
    assert.strictEqual(clientGroup("203.0.113.7"), "203.0.113.7")
    assert.strictEqual(clientGroup("::ffff:203.0.113.7"), "203.0.113.7")
    assert.strictEqual(clientGroup("2001:db8:1:2:3:4:5:6"), clientGroup("2001:db8:1:2::1"))
    assert.notStrictEqual(clientGroup("2001:db8:1:2::1"), clientGroup("2001:db8:1:3::1"))
    assert.strictEqual(clientGroup(""), "unknown")
  })

  it("behind a proxy on this machine is whom that proxy saw, and never whom a stranger names", () => {
    assert.strictEqual(clientOf("127.0.0.1", "198.51.100.1, 203.0.113.7"), "203.0.113.7")
    assert.strictEqual(clientOf("::1", "203.0.113.7"), "203.0.113.7")
    assert.strictEqual(clientOf("::ffff:127.0.0.1", "203.0.113.7"), "203.0.113.7")
    assert.strictEqual(clientOf("203.0.113.9", "203.0.113.7"), "203.0.113.9")
    for (const nonsense of ["", "x", "unknown", "203.0.113.7,"]) {
      assert.strictEqual(clientOf("127.0.0.1", nonsense), "127.0.0.1")
    }
  })
})
