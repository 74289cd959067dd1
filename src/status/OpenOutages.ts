import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import type { Official } from "./Decision.ts"

/**
 * The outages that are open, at most one per target, and what the official status makes of them.
 *
 * Asking what follows from a status changes nothing; the answer is committed once it is stored.
 */
export class OpenOutages {
  private readonly open = new Map<TargetKey, Outage>()

  get size(): number {
    return this.open.size
  }

  get(key: TargetKey): Outage | undefined {
    return this.open.get(key)
  }

  /** In the order in which they were committed. */
  all(): ReadonlyArray<Outage> {
    return [...this.open.values()]
  }

  /**
   * The outage that a status opens or closes, if it does: down without an open outage opens one, up with one closes it.
   * `minimumOffline` in milliseconds: an outage that is shorter is marked as a blip.
   */
  next(status: Official, minimumOffline: number): OutageEvent | undefined {
    const open = this.open.get(targetKey(status.target))
    if (!status.up) return open === undefined ? { _tag: "Opened", outage: outageOf(status) } : undefined
    return open === undefined ? undefined : closed(open, status.decidedAt, minimumOffline)
  }

  /** The end of the outage of a target that nobody serves any more since `at`: no decision will close it. */
  gone(target: Target, at: number, minimumOffline: number): OutageEvent | undefined {
    const open = this.open.get(targetKey(target))
    return open === undefined ? undefined : closed(open, at, minimumOffline)
  }

  commit(event: OutageEvent): void {
    const key = targetKey(event.outage.target)
    if (event._tag === "Opened") this.open.set(key, event.outage)
    else this.open.delete(key)
  }
}

/** An outage as it ends at `at`. */
export const endedAt = (outage: Outage, at: number, minimumOffline: number): EndedOutage => {
  // An outage that another process opened may start by another clock than the one that closes it.
  const end = Math.max(at, outage.start + 1)
  return { ...outage, end, blip: end - outage.start < minimumOffline }
}

/** One that is over. */
export type EndedOutage = Outage & { readonly end: number }

const closed = (outage: Outage, at: number, minimumOffline: number): OutageEvent => ({
  _tag: "Closed",
  outage: endedAt(outage, at, minimumOffline)
})

const outageOf = (down: Official): Outage => ({
  id: down.id,
  target: down.target,
  start: down.decidedAt,
  end: undefined,
  error: down.error,
  data: down.data,
  votes: down.votes,
  blip: false
})
