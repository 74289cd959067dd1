import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Outage } from "../domain/Outage.ts"

/** One alert thread as it stands. */
export interface AlertThread {
  readonly outage: Outage
  readonly state: "open" | "resolved"
  /** By channel: the last kind that was delivered. */
  readonly delivered: Readonly<Record<string, "opened" | "updated" | "resolved">>
}

/** Tells people about outages: one thread per outage, on every channel, across restarts. */
export class Alerts extends Context.Service<Alerts, {
  /** Threads that are open, or resolved and not yet told everywhere. */
  readonly threads: Effect.Effect<ReadonlyArray<AlertThread>>
}>()("effect-geodns/alerts/Alerts") {}
