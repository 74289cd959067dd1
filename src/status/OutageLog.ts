import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Outage, OutageEvent } from "../domain/Outage.ts"

/** Turns changes of official status into outages, and writes them to the store. Collators and standalone only. */
export class OutageLog extends Context.Service<OutageLog, {
  /** The outages that are open now. */
  readonly open: Effect.Effect<ReadonlyArray<Outage>>
  /** Openings and closings from now on, each after it is in the store. In place when the effect succeeds. */
  readonly subscribe: Effect.Effect<Stream.Stream<OutageEvent>, never, Scope.Scope>
}>()("effect-geodns/status/OutageLog") {}
