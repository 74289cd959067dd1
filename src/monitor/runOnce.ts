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
  /** Why it was not looked at at all, and where to look instead. */
  readonly leftOut?: string
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
 * is told, and nothing is proposed. What a single run learns nothing of is left out. `onProgress` is told after each one.
 */
export const runOnce = Effect.fn("runOnce")(function*(
  onProgress: (done: number, all: number) => Effect.Effect<void>
): Effect.fn.Return<OnceReport, never, Config | Families | Prober | Probes> {
  const { catalog, local } = yield* Config.use((config) => config.current)
  const reach = yield* Families.use((families) => families.reach)
  const prober = yield* Prober
  const { problems, targets } = plan(local, catalog, reach, yield* Probes)
  yield* prober.replan(targets, local.CheckWorkers.numWorkers)
  const all = [...targets.values()].filter(({ check }) => check.single === undefined).length
  let done = 0
  yield* onProgress(done, all)
  const results = yield* Effect.forEach(
    targets.values(),
    ({ check: { single }, key, target }): Effect.Effect<OnceResult> =>
      single !== undefined
        ? Effect.succeed({ target, observation: undefined, leftOut: single })
        : prober.probe(key).pipe(
          Effect.map((seen) => ({ target, observation: Option.getOrUndefined(seen) })),
          Effect.tap(() => Effect.suspend(() => onProgress(++done, all)))
        ),
    { concurrency: "unbounded" }
  )
  return { results, problems: [...problems.values()], reach }
})
