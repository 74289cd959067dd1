import { assert, describe, it } from "@effect/vitest"
import { ProbeBudget, probeRates } from "../../src/consensus/ProbeBudget.ts"

const rates = {
  proposer: { most: 4, perSecond: 2 },
  outsiders: { most: 2, perSecond: 1 },
  member: { most: 3, perSecond: 1 }
}
const granted = (budget: ProbeBudget, proposer: string | undefined, members: ReadonlyArray<string>, now: number) =>
  members.filter((member) => budget.take(proposer, member, now)).length

describe("ProbeBudget", () => {
  it("bounds the probes of one member, whoever proposes, and those for one proposer, whatever the member", () => {
    const budget = new ProbeBudget(rates)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 0), 3)
    assert.strictEqual(granted(budget, "b", ["x"], 0), 0)
    assert.strictEqual(granted(budget, "a", ["y", "z"], 0), 1)
    assert.strictEqual(granted(budget, "b", ["y", "z"], 0), 2)
  })

  it("gives all outsiders together a small share, and leaves the rest of each member's to the others", () => {
    const budget = new ProbeBudget(rates)
    assert.strictEqual(granted(budget, undefined, ["x", "x", "y"], 0), 2)
    assert.strictEqual(granted(budget, "a", ["x", "y", "z"], 0), 3)
    assert.strictEqual(granted(budget, undefined, ["z", "z", "z"], 1_000), 1)
    const wide = probeRates.member.most - probeRates.outsiders.most
    assert.isAbove(wide, probeRates.member.most / 2)
    assert.isBelow(probeRates.outsiders.perSecond, probeRates.member.perSecond / 2)
  })

  it("has room again as time passes, and never more than at first", () => {
    const budget = new ProbeBudget(rates)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 0), 3)
    assert.strictEqual(granted(budget, "a", ["x", "x"], 1_000), 1)
    assert.strictEqual(granted(budget, "a", ["x", "x", "x", "x"], 1_000_000), 3)
    // A clock that goes back gives nothing.
    assert.strictEqual(granted(budget, "a", ["x"], 0), 0)
  })
})
