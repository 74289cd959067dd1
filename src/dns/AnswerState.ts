import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Conditions } from "../node/Conditions.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"
import { Steering, type SteeringView } from "../steering/Steering.ts"
import { type AnswerPolicy, makePolicies } from "./AnswerPolicy.ts"
import type { ZoneData } from "./ZoneData.ts"
import { keepZones } from "./Zones.ts"

/** What answers are made from at a moment: all of it of one version of the configuration. It never changes. */
export interface AnswerSnapshot {
  readonly steering: SteeringView
  readonly zones: ZoneData
  readonly policy: AnswerPolicy
}

/**
 * What this node answers from, kept up to date until the scope closes. It follows steering: whenever there is a view of
 * another configuration, zones and policy are made from the same, and then all three are put in place by one assignment.
 */
export const keepAnswerState: Effect.Effect<
  () => AnswerSnapshot,
  never,
  Conditions | DurableFiles | Scope.Scope | Steering
> = Effect.gen(function*() {
  const steering = yield* Steering
  const zonesOf = yield* keepZones
  const policyOf = makePolicies()
  const first = yield* Deferred.make<AnswerSnapshot>()
  let state: AnswerSnapshot | undefined

  const put = (view: SteeringView, zones: ZoneData) => {
    state = { steering: view, zones, policy: policyOf(view.snapshot.local.GeoDNS.Dns) }
    return Deferred.succeed(first, state)
  }
  yield* Stream.runForEach(steering.views, (view) =>
    zonesOf(view.snapshot).pipe(
      Effect.flatMap((zones) => put(view, zones)),
      Effect.catchCause((cause) =>
        state === undefined
          ? Deferred.failCause(first, cause)
          // Health must not wait for zones. They are built again with the next view.
          : Effect.andThen(
            Effect.logError("DNS zones could not be built: those before stay", cause),
            Effect.suspend(() => put(view, state!.zones))
          )
      )
    )).pipe(Effect.forkScoped({ startImmediately: true }))

  const begin = yield* Deferred.await(first)
  return () => state ?? begin
})

/** What this node answers from: one for all that answers questions, so that they never differ. */
export class AnswerState extends Context.Service<AnswerState, {
  /**
   * The snapshot of now. Synchronous, for the hot path. Who answers a question in one turn of the event loop sees one snapshot,
   * however often it asks.
   */
  readonly current: () => AnswerSnapshot
}>()("effect-geodns/dns/AnswerState") {
  /** As configuration and steering have it: see `keepAnswerState`. */
  static readonly layer: Layer.Layer<AnswerState, never, Conditions | DurableFiles | Steering> = Layer.effect(
    AnswerState,
    Effect.map(keepAnswerState, (current) => AnswerState.of({ current }))
  )
}
