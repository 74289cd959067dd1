import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Conditions } from "../node/Conditions.ts"
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

const condition = "dns:build"

/** Milliseconds before what could not be built is built again: longer each time. Steering has a view every minute. */
const shortestWait = 1_000
const longestWait = 60_000

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
  const conditions = yield* Conditions
  const zonesOf = yield* keepZones
  const policyOf = makePolicies()
  const first = yield* Deferred.make<AnswerSnapshot>()
  let state: AnswerSnapshot | undefined

  /** The version that nothing could be made of, and when that is tried again. */
  let failed: { readonly version: number; readonly wait: number; readonly until: number } | undefined

  const take = Effect.fnUntraced(function*(view: SteeringView) {
    const { local, version } = view.snapshot
    const now = yield* Clock.currentTimeMillis
    const before = state
    // Health must not wait for zones.
    if (before !== undefined && failed?.version === version && now < failed.until) {
      state = { ...before, steering: view }
      return
    }
    const zones = yield* zonesOf(view.snapshot)
    state = { steering: view, zones, policy: policyOf(local.GeoDNS.Dns, now) }
    yield* Deferred.succeed(first, state)
    if (failed !== undefined) yield* conditions.clear(condition)
    failed = undefined
  })
  const keepBefore = Effect.fnUntraced(function*(view: SteeringView, cause: Cause.Cause<never>) {
    if (state === undefined) return yield* Deferred.failCause(first, cause)
    state = { ...state, steering: view }
    const { version } = view.snapshot
    const wait = failed?.version === version ? Math.min(2 * failed.wait, longestWait) : shortestWait
    failed = { version, wait, until: (yield* Clock.currentTimeMillis) + wait }
    yield* Effect.logError("DNS zones could not be built: those before stay", cause)
    yield* conditions.raise(
      condition,
      `the zones of version ${version} of the configuration could not be built: those before are answered, and members by ` +
        `their health of now. It is tried again within ${wait / 1000 + 60} seconds; the log says why.`
    )
  })
  yield* Stream.runForEach(steering.views, (view) => Effect.catchCause(take(view), (cause) => keepBefore(view, cause)))
    .pipe(
      Effect.forkScoped({ startImmediately: true })
    )

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
