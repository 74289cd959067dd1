import { type Kind, makePlan } from "./plan/makePlan.ts"
import type { Mode } from "./plan/Mode.ts"
import type { Plan } from "./plan/Plan.ts"
import { shrink } from "./plan/shrink.ts"
import type { Outcome } from "./world/Cluster.ts"
import { describePlan } from "./world/Story.ts"

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
