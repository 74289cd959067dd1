import { assert, describe, it } from "@effect/vitest"
import { ProbeBudget } from "../../src/consensus/ProbeBudget.ts"

const rates = { proposer: { most: 4, perSecond: 2 }, member: { most: 3, perSecond: 1 } }
const granted = (budget: ProbeBudget, proposer: string, members: ReadonlyArray<string>, now: number) =>
  members.filter((member) => budget.take(proposer, member, now)).length

describe("ProbeBudget", () => {
  it("bounds the probes of one member, whoever proposes, and those for one proposer, whatever the member", () => {
    const budget = new ProbeBudget(rates)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 0), 3)
    assert.strictEqual(granted(budget, "b", ["x"], 0), 0)
    assert.strictEqual(granted(budget, "a", ["y", "z"], 0), 1)
    assert.strictEqual(granted(budget, "b", ["y", "z"], 0), 2)
  })

  it("has room again as time passes, never more than at first, and for what took no probe", () => {
    const budget = new ProbeBudget(rates)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 0), 3)
    assert.strictEqual(granted(budget, "a", ["x", "x"], 1_000), 1)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 1_000_000), 3)
    budget.giveBack("a", "x", 1_000_000)
    assert.strictEqual(granted(budget, "a", ["x", "x"], 1_000_000), 1)
    // A clock that goes back gives nothing.
    assert.strictEqual(granted(budget, "a", ["x"], 0), 0)
  })
})
