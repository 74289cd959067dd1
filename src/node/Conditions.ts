import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** Something about this node that is degraded. */
export interface Condition {
  /** Stable and short, e.g. `config:MembersConfig`, `store`, `bus`. */
  readonly name: string
  /** What is wrong and what to do, for a tired operator. No secrets. */
  readonly detail: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** What is degraded about this node, and since when. `/health` and the status page show it. */
export class Conditions extends Context.Service<Conditions, {
  /** Raising again what is raised changes the detail and keeps `since`. Logged when it is new. */
  readonly raise: (name: string, detail: string) => Effect.Effect<void>
  /** Clears a condition; nothing happens when it was not raised. */
  readonly clear: (name: string) => Effect.Effect<void>
  readonly current: Effect.Effect<ReadonlyArray<Condition>>
  /** The conditions now, and after every change. */
  readonly changes: Stream.Stream<ReadonlyArray<Condition>>
}>()("effect-geodns/node/Conditions") {}
