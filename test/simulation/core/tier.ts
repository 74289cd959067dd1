import type { Tier } from "../tier.ts"
import { type Kind, kinds } from "./makePlan.ts"
import { meaning, modes } from "./Mode.ts"
import { playSeed, storyOf } from "./play.ts"

/** Clusters of the pure cores. */
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
  story: (seed, mode, kind) => storyOf(seed, mode, kind as Kind)
}
