import type { Outcome } from "./core/Cluster.ts"
import { type Kind, kinds, makePlan } from "./core/makePlan.ts"
import { meaning, modes } from "./core/Mode.ts"
import type { Plan } from "./core/Plan.ts"
import { storyOf } from "./core/play.ts"
import type { Tier } from "./tier.ts"

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
