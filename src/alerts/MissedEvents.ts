import type { OutageEvent } from "../domain/Outage.ts"

/** How long they are kept, in milliseconds: longer than it takes to notice that another collator is gone. */
const keptFor = 10 * 60_000
const maxKept = 10_000

/** What happened lately while another collator told, in case that it did not get to it. */
export class MissedEvents {
  #events: Array<{ readonly event: OutageEvent; readonly at: number }> = []

  /** `now` in milliseconds since the epoch, here and below. */
  add(event: OutageEvent, now: number): void {
    this.#events.push({ event, at: now })
    if (this.#events.length > maxKept) this.#events = this.#events.slice(maxKept / 2)
  }

  /** Gives those of the last `millis`, in order, and forgets all. */
  take(now: number, millis = keptFor): ReadonlyArray<OutageEvent> {
    const events = this.#events
    this.#events = []
    return events.flatMap(({ at, event }) => at > now - millis ? [event] : [])
  }
}
