import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Config } from "../config/Config.ts"
import type { Target } from "../domain/Target.ts"
import type { Observation } from "../status/Observation.ts"
import { Families, type FamilyReach } from "./Families.ts"
import { plan, type PlanProblem } from "./plan.ts"
import { Prober } from "./Prober.ts"
import { Probes } from "./Probes.ts"

/** What came of one target. */
export interface OnceResult {
  readonly target: Target
  /** Undefined: this node could not try. */
  readonly observation: Observation | undefined
}

/** What every check saw once. */
export interface OnceReport {
  readonly results: ReadonlyArray<OnceResult>
  /** What keeps targets from being checked. */
  readonly problems: ReadonlyArray<PlanProblem>
  readonly reach: FamilyReach
}

/**
 * Runs every check of the configuration once, as fast as its bounds allow: so many at once, and so many of one member. Nobody
 * is told, and nothing is proposed. `onProgress` is told after each one.
 */
export const runOnce = Effect.fn("runOnce")(function*(
  onProgress: (done: number, all: number) => Effect.Effect<void>
): Effect.fn.Return<OnceReport, never, Config | Families | Prober | Probes> {
  const { catalog, local } = yield* Config.use((config) => config.current)
  const reach = yield* Families.use((families) => families.reach)
  const prober = yield* Prober
  const { problems, targets } = plan(local, catalog, reach, yield* Probes)
  yield* prober.replan(targets, local.CheckWorkers.numWorkers)
  let done = 0
  yield* onProgress(done, targets.size)
  const results = yield* Effect.forEach(
    targets.values(),
    ({ key, target }) =>
      prober.probe(key).pipe(
        Effect.map((seen): OnceResult => ({ target, observation: Option.getOrUndefined(seen) })),
        Effect.tap(() => Effect.suspend(() => onProgress(++done, targets.size)))
      ),
    { concurrency: "unbounded" }
  )
  return { results, problems: [...problems.values()], reach }
})
