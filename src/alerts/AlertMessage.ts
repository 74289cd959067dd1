import type { Outage } from "../domain/Outage.ts"

/** How bad it is: `critical` when a whole member, or more than half of the members of a service, are out. */
export type Severity = "warning" | "critical"

/** What a channel is asked to say about one thread. */
export interface AlertMessage {
  /** The outage that began the thread, and by whose id the thread is known. */
  readonly outage: Outage
  /** All outages of the thread, the first is `outage`: more than one in a storm. */
  readonly outages: ReadonlyArray<Outage>
  readonly kind: "opened" | "updated" | "resolved"
  readonly severity: Severity
  /** What the channel gave back for the message before, such as the id by which it can edit it. */
  readonly receipt: string | undefined
  /** Of `geodns alerts test`: nothing is down, and every channel says so in its first words. */
  readonly isTest?: boolean
  /** The same for every try: a channel that saw it already says nothing new. */
  readonly idempotencyKey: string
}
