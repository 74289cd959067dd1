import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import type { Official } from "./Decision.ts"
import { targetOf, timeOf, type Transition } from "./Transition.ts"

/** What is known of a transition beside itself. */
export interface TransitionContext {
  /** An outage that is shorter is marked as a blip. Milliseconds. */
  readonly minimumOffline: number
  /** What ends the outage that it opens, when that is known already. */
  readonly end?: Transition | undefined
  /** It is from before the store was read: what was found there may be newer. */
  readonly isOld?: boolean
}

/**
 * The outages that are open, at most one per target, and what transitions make of them.
 *
 * Asking what follows from a transition changes nothing; the answer is committed once it is stored.
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
   * The outage that a transition opens or closes, if it does: down without an open outage opens one; up, or that the target
   * is gone, closes the open one.
   */
  next(transition: Transition, { end, isOld = false, minimumOffline }: TransitionContext): OutageEvent | undefined {
    const open = this.open.get(targetKey(targetOf(transition)))
    if (transition._tag === "Decided" && !transition.status.up) {
      // One that was over before the open one began is another: a process that was faster has stored the later one first.
      const isAnother = open !== undefined && end !== undefined && timeOf(end) <= open.start
      return open === undefined || isAnother ? { _tag: "Opened", outage: outageOf(transition.status) } : undefined
    }
    if (open === undefined || (isOld && timeOf(transition) <= open.start)) return undefined
    return { _tag: "Closed", outage: endedAt(open, timeOf(transition), minimumOffline) }
  }

  /** What opens beside an open one changes nothing, nor does the end of another. */
  commit({ _tag, outage }: OutageEvent): void {
    const key = targetKey(outage.target)
    const open = this.open.get(key)
    if (_tag === "Opened" && open === undefined) this.open.set(key, outage)
    if (_tag === "Closed" && open?.id === outage.id) this.open.delete(key)
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
