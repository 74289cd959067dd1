import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import type { Official } from "./Decision.ts"
import { clockTolerance } from "./OfficialTable.ts"
import { isDown, targetOf, timeOf, type Transition } from "./Transition.ts"

/**
 * Two outages of a target that overlap are the same one under different ids when they began, or ended, no further apart
 * than this: collators heard different proposals of one change, each by its own clock. Milliseconds.
 */
const sameMoment = 30_000

/** Whether two times may be of one change, that was told by two clocks. */
export const timesAgree = (a: number, b: number): boolean => Math.abs(a - b) <= sameMoment

/** Whether a time was given by a clock that has been set back since, or was wrong: nothing can be told from its order. */
export const isFromAhead = (time: number, now: number): boolean => time > now + clockTolerance

/** What is known of a transition beside itself. */
export interface TransitionContext {
  /** An outage that is shorter is marked as a blip. Milliseconds. */
  readonly minimumOffline: number
  /** What ends the outage that it opens, when that is known already. */
  readonly end?: Transition | undefined
  /** It is from before the store was read: what was found there may be newer. */
  readonly isOld?: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
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
  next(
    transition: Transition,
    { end, isOld = false, minimumOffline, now }: TransitionContext
  ): OutageEvent | undefined {
    const open = this.open.get(targetKey(targetOf(transition)))
    if (transition._tag === "Decided" && !transition.status.up) {
      const opened = outageOf(transition.status)
      return open === undefined || (end !== undefined && isAnother(opened, timeOf(end), open, now))
        ? { _tag: "Opened", outage: opened }
        : undefined
    }
    if (open === undefined || !ends(transition, open, { isOld, now })) return undefined
    return { _tag: "Closed", outage: endedAt(open, timeOf(transition), minimumOffline) }
  }

  /**
   * Takes in a transition from which nothing followed. An open one that a target outlives by coming up began later, in the
   * hands of another process: whether it is still open when something follows here, the store has to say.
   */
  pass(transition: Transition): void {
    if (!isDown(transition)) this.open.delete(targetKey(targetOf(transition)))
  }

  /** What opens beside an open one changes nothing, nor does the end of another. */
  commit({ _tag, outage }: OutageEvent): void {
    const key = targetKey(outage.target)
    const open = this.open.get(key)
    if (_tag === "Opened" && open === undefined) this.open.set(key, outage)
    if (_tag === "Closed" && open?.id === outage.id) this.open.delete(key)
  }
}

/** Whether an outage that is over by `end` is another than the one that is open in the store. */
const isAnother = (outage: Outage, end: number, open: Outage, now: number): boolean => {
  if (outage.id === open.id) return false
  // A process that was faster has stored the later one first.
  return end <= open.start || (isFromAhead(end, now) && !timesAgree(outage.start, open.start))
}

/** Whether a closing is for this one: it may be late, and what it ended may be over in the store, by another process. */
const ends = (transition: Transition, open: Outage, { isOld, now }: { isOld: boolean; now: number }): boolean => {
  const isLater = timeOf(transition) > open.start
  if (transition._tag === "Gone") return isLater || !isOld
  const { after } = transition
  if (after?.id === open.id) return true
  if (!isOld) return isLater || isFromAhead(open.start, now)
  // Not one that is earlier than what it ended, by clocks that may differ.
  return isLater && (after === undefined || open.start >= after.start - sameMoment)
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
