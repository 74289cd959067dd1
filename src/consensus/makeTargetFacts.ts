import * as Effect from "effect/Effect"
import { Config } from "../config/Config.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { checkInterval } from "../domain/documents/Local.ts"
import type { Target } from "../domain/Target.ts"
import { KnownTargets } from "../status/KnownTargets.ts"

/** What the configuration says of targets, as of the last `refresh`. Times in milliseconds. */
export interface TargetFacts {
  readonly refresh: Effect.Effect<void>
  /** Whether the configuration has it. */
  readonly knows: (target: Target) => boolean
  /** How old an observation may be that a vote rests on. */
  readonly freshFor: (target: Target) => number
  /** How long a decided status lasts at least. */
  readonly minimumTime: (target: Target) => number
}

/** A vote is given from an observation at most so old where the settings say nothing, in seconds. */
const freshFor = 10

export const makeTargetFacts: Effect.Effect<TargetFacts, never, Config> = Effect.gen(function*() {
  const config = yield* Config
  const known = yield* KnownTargets
  let snapshot: Snapshot = yield* config.current
  let isKnown = known(snapshot)

  return {
    // When the documents know a target later, other nodes are asked for what was decided.
    refresh: Effect.map(config.current, (current) => {
      if (current === snapshot) return
      snapshot = current
      isKnown = known(current)
    }),
    knows: (target) => isKnown(target),
    freshFor: ({ check, checkType }) => {
      const { Checks, GeoDNS } = snapshot.local
      const found = Checks.find(({ CheckType, Name }) => Name === check && CheckType === checkType)
      const most = GeoDNS.Consensus.FreshFor ?? freshFor
      return 1_000 * (found === undefined ? most : Math.min(most, checkInterval(found)))
    },
    minimumTime: ({ check }) => 1_000 * (snapshot.local.GeoDNS.Checks[check]?.MinimumStateTime ?? 0)
  }
})
