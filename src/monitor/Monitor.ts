import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Target } from "../domain/Target.ts"
import type { Observation } from "../status/Observation.ts"

/** What this monitor itself knows of one target. */
export interface LocalResult {
  readonly target: Target
  readonly last: Observation
  /** After hysteresis; undefined until enough observations agree. */
  readonly debounced: boolean | undefined
  /** Consecutive observations with the status of the last one. */
  readonly streak: number
  /** Older than two intervals and 30 s: unknown, not down. */
  readonly stale: boolean
}

/** Runs the planned checks on their schedule and proposes what differs from the official status. */
export class Monitor extends Context.Service<Monitor, {
  /** The local results, unvoted. */
  readonly results: Effect.Effect<ReadonlyArray<LocalResult>>
  /** How many targets are planned. */
  readonly planned: Effect.Effect<number>
  /** Observations from now on, as they come. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<Observation>, never, Scope.Scope>
}>()("effect-geodns/monitor/Monitor") {}
