import type { Outage } from "../domain/Outage.ts"

/** What a channel is asked to say about one thread. */
export interface AlertMessage {
  /** The thread is the outage: one per outage, whatever happens. */
  readonly outage: Outage
  readonly kind: "opened" | "updated" | "resolved"
  /** The same for every try: a channel that saw it already says nothing new. */
  readonly idempotencyKey: string
}
