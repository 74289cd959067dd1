import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { RateLimiter, type RateLimits, seedWords, type Verdict } from "../../src/dns/RateLimiter.ts"
import { readAddress } from "../../src/geo/address.ts"

const seed = Uint32Array.from({ length: seedWords }, (_, i) => Math.imul(i + 1, 0x9e3779b1))

/** A limiter that is asked by the text of addresses. */
const limiterOf = (limits: RateLimits, options: { readonly seed?: Uint32Array; readonly places?: number } = {}) => {
  const limiter = new RateLimiter(limits, options.seed ?? seed, options.places)
  const words = new Uint32Array(4)
  return (address: string, now: number, account = 1): Verdict => {
    words.fill(0xabcdef)
    return limiter.check(readAddress(address, words), words, account, now)
  }
}

const limits = fc.record({
  responsesPerSecond: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0.1, max: 10, noNaN: true })),
  slip: fc.nat(5)
})
const start = 1_800_000_000_000

/** What each key should get: every answer pushes a time on, and it may be ahead by what one second holds. */
const oracle = ({ responsesPerSecond, slip }: RateLimits) => {
  const due = new Map<string, number>()
  const limited = new Map<string, number>()
  const interval = 1000 / responsesPerSecond
  return (key: string, now: number): Verdict => {
    const at = Math.max(due.get(key) ?? 0, now)
    if (at - now <= Math.max(1000, interval) - interval / 2) {
      due.set(key, at + interval)
      return "answer"
    }
    const count = (limited.get(key) ?? 0) + 1
    limited.set(key, count)
    return slip > 0 && count % slip === 0 ? "truncate" : "drop"
  }
}

describe("RateLimiter", () => {
  it("lets through what one second allows at once, and as much again a second later", () => {
    for (const responsesPerSecond of [1, 3, 7, 100, 333, 400, 1000]) {
      const check = limiterOf({ responsesPerSecond, slip: 0 })
      for (const now of [start, start + 1000, start + 2000.5]) {
        for (let i = 0; i < responsesPerSecond; i++) assert.strictEqual(check("192.0.2.1", now), "answer")
        assert.strictEqual(check("192.0.2.1", now), "drop", `${responsesPerSecond}`)
      }
    }
  })

  it("never limits who keeps to the rate", () => {
    fc.assert(fc.property(limits, fc.array(fc.nat(1000), { maxLength: 300, size: "max" }), (limits, waits) => {
      const check = limiterOf(limits)
      let now = start
      for (const wait of waits) {
        now += 1000 / limits.responsesPerSecond + wait
        assert.strictEqual(check("192.0.2.1", now), "answer")
      }
    }))
  })

  it("lets no more through in any time than the rate, and one second's worth", () => {
    fc.assert(
      fc.property(limits, fc.array(fc.nat(20), { minLength: 500, maxLength: 1500, size: "max" }), (limits, waits) => {
        const check = limiterOf(limits)
        const answered: Array<number> = []
        let now = start
        for (const wait of waits) {
          now += wait
          if (check("192.0.2.1", now) === "answer") answered.push(now)
        }
        const { responsesPerSecond: rate } = limits
        answered.forEach((from, i) => {
          const last = answered.at(-1)!
          assert.isAtMost(answered.length - i, (last - from) / 1000 * rate + Math.max(rate, 1) + 1)
        })
      }),
      { numRuns: 30 }
    )
  })

  it("does with each network and account what it would do with it alone", () => {
    const question = fc.record({
      address: fc.constantFrom("192.0.2.1", "192.0.2.200", "192.0.3.1", "2001:db8:0:100::1", "2001:db8:0:1ff::2"),
      account: fc.constantFrom(-6, 1, 2),
      wait: fc.nat(50)
    })
    const network = (address: string) =>
      address.includes(":") ? address.split("::")[0]!.slice(0, 12) : address.slice(0, 8)
    fc.assert(fc.property(
      fc.record({ responsesPerSecond: fc.integer({ min: 1, max: 50 }), slip: fc.nat(4) }),
      fc.array(question, { maxLength: 300, size: "max" }),
      (limits, questions) => {
        const check = limiterOf(limits)
        const expected = oracle(limits)
        let now = start
        for (const { account, address, wait } of questions) {
          now += wait
          assert.strictEqual(check(address, now, account), expected(`${network(address)} ${account}`, now))
        }
      }
    ))
  })

  it("sends every so many-th answer truncated", () => {
    const verdicts = (slip: number) => {
      const check = limiterOf({ responsesPerSecond: 1, slip })
      return Array.from({ length: 7 }, () => check("192.0.2.1", start)[0]).join("")
    }
    assert.deepStrictEqual([0, 1, 2, 3].map(verdicts), ["adddddd", "atttttt", "adtdtdt", "addtddt"])
  })

  it("counts clients of a /24 and a /56 together, in disguise too, and no others", () => {
    const shares = (one: string, other: string) => {
      const check = limiterOf({ responsesPerSecond: 1, slip: 0 })
      check(one, start)
      return check(other, start) === "drop"
    }
    assert.isTrue(shares("192.0.2.1", "192.0.2.254"))
    assert.isTrue(shares("192.0.2.1", "::ffff:192.0.2.9"))
    assert.isFalse(shares("192.0.2.1", "192.0.3.1"))
    assert.isTrue(shares("2001:db8:0:100::1", "2001:db8:0:1ff:ffff::"))
    assert.isFalse(shares("2001:db8:0:100::1", "2001:db8:0:200::1"))
    assert.isFalse(shares("192.0.2.0", "c000:200::"))
  })

  it("is not stopped by a clock that is set back", () => {
    const check = limiterOf({ responsesPerSecond: 1, slip: 0 })
    check("192.0.2.1", start)
    assert.strictEqual(check("192.0.2.1", start), "drop")
    assert.strictEqual(check("192.0.2.1", start - 3_600_000), "answer")
    assert.strictEqual(check("192.0.2.1", start - 3_600_000), "drop")
  })

  it("has room for new keys after a clock was set back, too", () => {
    const check = limiterOf({ responsesPerSecond: 1, slip: 0 }, { places: 64 })
    for (let i = 0; i < 1_000; i++) check(`10.${i >> 8}.${i & 255}.1`, start)
    const addresses = Array.from({ length: 16 }, (_, i) => `20.0.${i}.1`)
    for (const address of addresses) check(address, start - 3_600_000)
    assert.isAtLeast(addresses.filter((address) => check(address, start - 3_600_000) === "drop").length, 15)
  })

  it("does not forget who asks much for those who ask little, however many they are", () => {
    const check = limiterOf({ responsesPerSecond: 10, slip: 0 }, { places: 64 })
    for (let i = 0; i < 10; i++) check("203.0.113.1", start)
    for (let i = 0; i < 100_000; i++) {
      assert.strictEqual(check(`10.${i >> 8 & 255}.${i & 255}.1`, start + i / 10_000), "answer")
      if (i % 100 === 0) assert.strictEqual(check("203.0.113.1", start + i / 10_000), "drop", `${i}`)
    }
  })

  it("has its keys where only the seed tells", () => {
    const remembered = (seed: Uint32Array) => {
      const check = limiterOf({ responsesPerSecond: 1, slip: 0 }, { seed, places: 16 })
      const addresses = Array.from({ length: 40 }, (_, i) => `10.0.${i}.1`)
      for (const address of addresses) check(address, start)
      return addresses.filter((address) => check(address, start) === "drop").join()
    }
    assert.strictEqual(remembered(seed), remembered(seed))
    const words = fc.uint32Array({ minLength: seedWords, maxLength: seedWords })
    const seen = new Set(fc.sample(words, { numRuns: 20, seed: 1 }).map(remembered))
    assert.isAbove(seen.size, 15)
  })

  it("spreads keys over its whole table", () => {
    const check = limiterOf({ responsesPerSecond: 1, slip: 0 })
    let forgotten = 0
    const addresses = Array.from({ length: 20_000 }, (_, i) => `20.${i >> 8}.${i & 255}.1`)
    for (const address of addresses) check(address, start)
    for (const address of addresses) if (check(address, start) === "answer") forgotten++
    // A third of the places are taken: with four places for each key chance alone forgets some hundred.
    assert.isBelow(forgotten, 1_000)
  })
})
