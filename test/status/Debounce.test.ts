import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { debounce, type Debounced, type Hysteresis, undecided } from "../../src/status/Debounce.ts"

const run = (results: ReadonlyArray<boolean>, hysteresis: Hysteresis): ReadonlyArray<Debounced> => {
  const states: Array<Debounced> = []
  let state = undecided
  for (const [i, up] of results.entries()) states.push(state = debounce(state, up, 1_000 * (i + 1), hysteresis))
  return states
}

const verdicts = (results: ReadonlyArray<boolean>, hysteresis: Hysteresis) =>
  run(results, hysteresis).map(({ debounced }) => debounced)

const cases = fc.record({
  results: fc.array(fc.boolean(), { maxLength: 60 }),
  hysteresis: fc.record({ failAfter: fc.integer({ min: 1, max: 5 }), recoverAfter: fc.integer({ min: 1, max: 5 }) })
})

describe("debounce", () => {
  it("takes two failures to be down, and two successes to be up again", () => {
    assert.deepStrictEqual(
      verdicts([true, true, false, true, false, false, true, true], { failAfter: 2, recoverAfter: 2 }),
      [undefined, true, true, true, true, false, false, true]
    )
  })

  it("tells how long it has been so", () => {
    const [, first, , , down] = run([true, true, false, true, false, false], { failAfter: 2, recoverAfter: 2 })
    assert.deepStrictEqual(first, { debounced: true, since: 2_000, last: true, streak: 2 })
    assert.deepStrictEqual(down, { debounced: true, since: 2_000, last: false, streak: 1 })
  })

  it("needs no streak when one result is enough", () => {
    assert.deepStrictEqual(verdicts([false, true, false], { failAfter: 1, recoverAfter: 1 }), [false, true, false])
  })

  it("says up or down exactly when the last streak that was long enough says so", () => {
    fc.assert(fc.property(cases, ({ results, hysteresis }) => {
      const expected = results.map((_, end) => {
        for (let i = end; i >= 0; i--) {
          const up = results[i]!
          const needed = up ? hysteresis.recoverAfter : hysteresis.failAfter
          const streak = results.slice(Math.max(0, i - needed + 1), i + 1)
          if (streak.length === needed && streak.every((result) => result === up)) return up
        }
        return undefined
      })
      assert.deepStrictEqual(verdicts(results, hysteresis), expected)
    }))
  })

  it("counts the streak of the last result", () => {
    fc.assert(fc.property(cases, ({ results, hysteresis }) => {
      for (const [i, state] of run(results, hysteresis).entries()) {
        const before = results.slice(0, i + 1).lastIndexOf(!results[i]!)
        assert.strictEqual(state.last, results[i])
        assert.strictEqual(state.streak, i - before)
      }
    }))
  })
})
