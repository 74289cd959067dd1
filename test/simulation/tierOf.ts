import { type Kind, kinds, makePlan } from "./plan/makePlan.ts"
import { meaning, modes } from "./plan/Mode.ts"
import type { Plan } from "./plan/Plan.ts"
import { storyOf } from "./storyOf.ts"
import type { Tier } from "./tier.ts"
import type { Outcome } from "./world/Cluster.ts"

/** The tier of a way to play plans: both play the same. */
export const tierOf = (play: (plan: Plan, isTold?: boolean) => Outcome): Tier => ({
  modes,
  kinds,
  play: (seed, mode, kind) => {
    const { counts, latencies, violations } = play(makePlan(seed, mode, kind as Kind))
    return {
      violations: violations.map(({ property, text }) => `${property} (${meaning[property]}): ${text}`),
      counts,
      latencies
    }
  },
  story: (seed, mode, kind) => storyOf(seed, mode, kind as Kind, play)
})
