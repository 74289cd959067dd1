import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Target } from "../domain/Target.ts"
import type { Observation } from "./Observation.ts"

/** What this node itself sees of a target. Provided by the monitor; consensus votes from it. */
export class Observer extends Context.Service<Observer, {
  /**
   * The raw observation of a target of ours: the last one when it is at most `freshFor` milliseconds old, else a new
   * probe (one at a time per target, bounded in time). None when the target is not ours to judge: then we do not vote.
   * `mayProbe` is asked right before a new probe, and none is made when it says no.
   */
  readonly observe: (
    target: Target,
    freshFor: number,
    mayProbe?: () => boolean
  ) => Effect.Effect<Option.Option<Observation>>
}>()("effect-geodns/status/Observer") {
  /** Judges nothing: for nodes that only follow decisions. */
  static readonly layerNone: Layer.Layer<Observer> = Layer.succeed(
    Observer,
    Observer.of({ observe: () => Effect.succeedNone })
  )
}
