import { type Kind, kinds } from "../core/makePlan.ts"
import { meaning, modes } from "../core/Mode.ts"
import { storyOf } from "../core/play.ts"
import type { Tier } from "../tier.ts"
import { playPlan, playSeed } from "./play.ts"

/** Whole clusters of the real services. */
export const tier: Tier = {
  modes,
  kinds,
  play: (seed, mode, kind) => {
    const { counts, latencies, violations } = playSeed(seed, mode, kind as Kind)
    return {
      violations: violations.map(({ property, text }) => `${property} (${meaning[property]}): ${text}`),
      counts,
      latencies
    }
  },
  story: (seed, mode, kind) => storyOf(seed, mode, kind as Kind, playPlan)
}
