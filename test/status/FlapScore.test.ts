import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { FlapDampingSettings } from "../../src/domain/documents/GeoDns.ts"
import {
  decay,
  flap,
  type FlapLimits,
  flapPenalty,
  type FlapScore,
  heldFor,
  noFlaps,
  penaltyCeiling
} from "../../src/status/FlapScore.ts"

const minute = 60_000
const limits: FlapLimits = {
  halfLife: 15 * minute,
  suppressLimit: 5_000,
  reuseLimit: 2_000,
  maxSuppressTime: 60 * minute
}

const flaps = (times: ReadonlyArray<number>, by: FlapLimits = limits): FlapScore =>
  times.reduce((score, at) => flap(score, at, by), noFlaps)

/** Times in order, limits that make sense. */
const cases = fc.record({
  gaps: fc.array(fc.integer({ min: 0, max: 40 * minute }), { minLength: 1, maxLength: 60 }),
  halfLife: fc.integer({ min: 1_000, max: 60 * minute }),
  reuseLimit: fc.integer({ min: 1, max: 10_000 }),
  over: fc.double({ min: 1.01, max: 20, noNaN: true }),
  halves: fc.double({ min: 5, max: 12, noNaN: true })
}).map(({ gaps, halfLife, halves, over, reuseLimit }) => ({
  times: gaps.map(((at) => (gap: number) => at += gap)(0)),
  limits: { halfLife, reuseLimit, suppressLimit: reuseLimit * over, maxSuppressTime: halfLife * halves }
}))

describe("the flap score", () => {
  it("holds a target that goes down for the sixth time in a few minutes, and not before", () => {
    assert.deepStrictEqual(flaps([0, 0, 0, 0, 0]), { penalty: 5_000, at: 0, held: false })
    assert.isTrue(flaps([0, 0, 0, 0, 0, 0]).held)
    assert.isTrue(flaps([0, 1, 2, 3, 4, 5].map((n) => n * minute)).held)
  })

  it("holds nothing that goes down five times in half an hour, however these are spread", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 30 * minute }), { maxLength: 5 }), (times) => {
      assert.isFalse(flaps(times.toSorted((a, b) => a - b)).held)
    }))
  })

  it("lets go what stays calm: after 20 minutes when it was just held", () => {
    const score = flaps([0, 0, 0, 0, 0, 0])
    const left = heldFor(score, limits)
    assert.closeTo(left, 15 * minute * Math.log2(3), 1)
    assert.isTrue(decay(score, left - 1_000, limits).held)
    assert.isFalse(decay(score, left + 1_000, limits).held)
    // It begins from what is left, not from nothing.
    const again = [1, 2, 3].reduce((now, n) => flap(now, left + n * 1_000, limits), decay(score, left, limits))
    assert.isFalse(again.held)
    assert.isTrue(flap(again, left + 4_000, limits).held)
  })

  it("has the figures of the documentation", () => {
    const every = (minutes: number, times: number) =>
      flaps(Array.from({ length: times }, (_, n) => n * minutes * minute))
    assert.deepStrictEqual([every(4, 10).held, every(4, 11).held], [false, true])
    assert.isFalse(every(5, 10_000).held)
    for (const score of [every(4, 11), every(0, 6)]) {
      assert.isAtLeast(heldFor(score, limits), 19.8 * minute)
      assert.isAtMost(heldFor(score, limits), 24 * minute)
    }
    const settings = Schema.decodeUnknownSync(FlapDampingSettings)
    assert.deepStrictEqual(settings({}), {
      Enabled: true,
      HalfLife: limits.halfLife / 1_000,
      SuppressLimit: limits.suppressLimit,
      ReuseLimit: limits.reuseLimit,
      MaxSuppressTime: limits.maxSuppressTime / 1_000
    })
    for (const wrong of [{ ReuseLimit: 5_000 }, { MaxSuppressTime: 900 }, { HalfLife: 0 }]) {
      assert.throws(() => settings(wrong), /ReuseLimit below the SuppressLimit|greater than 0/)
    }
  })

  it("falls to the half in every half-life", () => {
    const score = flaps([0, 0])
    for (const n of [1, 2, 3]) {
      assert.closeTo(decay(score, n * limits.halfLife, limits).penalty, 2 * flapPenalty / 2 ** n, 1e-6)
    }
  })

  it("takes an older time as its own", () => {
    const score = flaps([10 * minute])
    assert.deepStrictEqual(decay(score, 0, limits), score)
    assert.strictEqual(flap(score, 0, limits).penalty, 2 * flapPenalty)
  })

  it("is bounded, and nothing is held longer than allowed after its last flap, whatever comes", () => {
    fc.assert(fc.property(cases, ({ limits, times }) => {
      let score = noFlaps
      for (const at of times) {
        score = flap(score, at, limits)
        assert.isAtMost(score.penalty, penaltyCeiling(limits))
        assert.isAtLeast(score.penalty, 0)
        assert.isAtMost(heldFor(score, limits), limits.maxSuppressTime + 1)
        assert.isFalse(decay(score, at + limits.maxSuppressTime + 1_000, limits).held)
      }
    }))
  })

  it("only falls while nothing happens, and decays the same in one step as in many", () => {
    fc.assert(
      fc.property(
        cases,
        fc.array(fc.integer({ min: 1, max: 600_000 }), { maxLength: 20 }),
        ({ limits, times }, steps) => {
          const score = flaps(times, limits)
          let by = score
          let at = times.at(-1)!
          for (const step of steps) {
            const next = decay(by, at += step, limits)
            assert.isAtMost(next.penalty, by.penalty)
            assert.isTrue(by.held || !next.held)
            by = next
          }
          const once = decay(score, at, limits)
          assert.closeTo(by.penalty, once.penalty, 1e-6 * (1 + once.penalty))
        }
      )
    )
  })
})
