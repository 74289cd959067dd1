import { assert, describe, it } from "@effect/vitest"
import { playPlan } from "./cluster/play.ts"
import { makePlan } from "./plan/makePlan.ts"
import type { Mode } from "./plan/Mode.ts"

/** Other load may slow a run a lot. */
const patience = 120_000

/** The network is whole again then, in milliseconds. */
const whole = 60_000

/** When each of these nodes, which are cut off while a target goes down, follows that it is down: milliseconds from the start. */
const follow = (seed: number, mode: Mode, side: ReadonlyArray<string>): ReadonlyArray<number> => {
  const plan = makePlan(seed, mode, "outage")
  const { story, violations } = playPlan({
    ...plan,
    followers: ["d1", "d2", "c1"],
    healAt: whole,
    reconnects: false,
    incidents: [{ kind: "partition", at: 25_000, until: whole, side }, ...plan.incidents]
  }, true)
  assert.deepStrictEqual(violations, [])
  return side.map((node) => {
    const line = story.find((line) => line.includes(` ${node} `) && /member-1\S* is down$/.test(line))
    assert.isDefined(line, `${node} never follows in seed ${seed}`)
    return Number.parseFloat(line) * 1_000
  })
}

describe("nodes that missed a decision", () => {
  for (const mode of ["open", "require"] as const) {
    it(`catch up within three seconds after they are connected again, in the mode ${mode}`, () => {
      for (let seed = 1; seed <= 8; seed++) {
        const [at] = follow(seed, mode, ["d1"])
        assert.isAbove(at!, whole)
        assert.isAtMost(at!, whole + 3_000, `seed ${seed}`)
      }
    }, patience)
  }

  it("catch up within two minutes after a partition that nobody noticed", () => {
    for (let seed = 1; seed <= 8; seed++) {
      for (const at of follow(seed, "open", ["d1", "d2"])) {
        assert.isAbove(at, whole)
        assert.isAtMost(at, whole + 120_000, `seed ${seed}`)
      }
    }
  }, patience)
})
