import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Target } from "../domain/Target.ts"

/** What a monitor itself holds for true, after hysteresis. */
export interface Opinion {
  readonly target: Target
  readonly up: boolean
}

/** The opinions of this monitor: what it would vote for. Nothing that is stale or not certain yet. */
export class Opinions extends Context.Service<Opinions, {
  readonly current: Effect.Effect<ReadonlyArray<Opinion>>
}>()("effect-geodns/status/Opinions") {}
