import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { AnswerBudget } from "../../src/bus/AnswerBudget.ts"

describe("AnswerBudget", () => {
  it("gives in any time at most what is saved up, what comes in, and one answer", () => {
    const longest = 150
    const questions = fc.array(fc.record({ wait: fc.nat(500), cost: fc.integer({ min: 1, max: longest }) }))
    fc.assert(fc.property(questions, (all) => {
      const budget = new AnswerBudget({ perSecond: 100, most: 1_000 })
      let now = 0
      let spent = 0
      for (const { cost, wait } of all) {
        now += wait
        if (!budget.allows(now)) continue
        budget.spend(cost)
        spent += cost
      }
      assert.isAtMost(spent, 1_000 + now / 1_000 * 100 + longest)
    }))
  })

  it("says when it may be asked again, and is right", () => {
    fc.assert(
      fc.property(fc.integer({ min: 201, max: 100_000 }), fc.integer({ min: 1, max: 5_000 }), (cost, perSecond) => {
        const budget = new AnswerBudget({ perSecond, most: 200 })
        assert.isTrue(budget.allows(0))
        budget.spend(cost)
        const wait = budget.wait()
        assert.isTrue(budget.allows(wait))
      })
    )
  })

  it("comes back with time", () => {
    const budget = new AnswerBudget({ perSecond: 100, most: 200 })
    assert.isTrue(budget.allows(0))
    budget.spend(300)
    assert.isFalse(budget.allows(1_000))
    assert.strictEqual(budget.wait(), 1)
    assert.isTrue(budget.allows(1_010))
    assert.strictEqual(budget.wait(), 0)
  })
})
