import { Cluster, type Outcome } from "./Cluster.ts"
import { type Kind, makePlan } from "./makePlan.ts"
import type { Mode } from "./Mode.ts"
import type { Plan } from "./Plan.ts"
import { shrink } from "./shrink.ts"
import { describePlan } from "./Story.ts"

/** Plays a plan. */
export const playPlan = (plan: Plan, isTold = false): Outcome => new Cluster(plan, isTold).run()

/** How many lines of what happened last are worth reading. */
const shownLines = 60

/** The story of a seed that fails, when `play` plays it: as few incidents as it takes, and what happened. */
export const storyOf = (
  seed: number,
  mode: Mode,
  kind: Kind,
  play: (plan: Plan, isTold?: boolean) => Outcome
): string => {
  const plan = shrink(makePlan(seed, mode, kind), (plan) => play(plan).violations)
  const { story, violations } = play(plan, true)
  const left = Math.max(0, story.length - shownLines)
  return [
    ...violations.map(({ at, property, text }) => `${property} does not hold at ${(at / 1_000).toFixed(3)} s: ${text}`),
    "",
    ...describePlan(plan),
    "",
    ...left > 0 ? [`(${left} lines before)`] : [],
    ...story.slice(left)
  ].join("\n")
}
