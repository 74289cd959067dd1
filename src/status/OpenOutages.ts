import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import type { Official } from "./Decision.ts"
import { clockTolerance } from "./OfficialTable.ts"
import { openingIdOf } from "./servedAgain.ts"
import { closingOf, isDown, stepOf, targetOf, timeOf, type Transition } from "./Transition.ts"

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
   * is gone, closes the open one. Where both are proved their steps alone tell what is for what, and no clock: an outage is
   * closed by any higher step, also by one that takes the target down again, which opens the next then.
   */
  next(
    transition: Transition,
    { end, isOld = false, minimumOffline, now }: TransitionContext
  ): OutageEvent | undefined {
    const open = this.open.get(targetKey(targetOf(transition)))
    if (transition._tag === "Decided" && !transition.status.up && !isBeyond(transition, open)) {
      const opened = outageOf(transition.status)
      return open === undefined || (end !== undefined && isAnother(opened, timeOf(end), open, now))
        ? { _tag: "Opened", outage: opened }
        : undefined
    }
    if (open === undefined || !ends(transition, open, { isOld, now })) return undefined
    return { _tag: "Closed", outage: endedBy(open, transition, minimumOffline) }
  }

  /** Whether a transition ends what is open for its target by being a higher step. */
  isBeyond(transition: Transition): boolean {
    return isBeyond(transition, this.open.get(targetKey(targetOf(transition)))) === true
  }

  /**
   * Takes in a transition from which nothing followed. An open one that a target outlives by coming up began later, in the
   * hands of another process: whether it is still open when something follows here, the store has to say.
   */
  pass(transition: Transition): void {
    const key = targetKey(targetOf(transition))
    // Of one that is proved we know that it is another's to end.
    if (!isDown(transition) && isBeyond(transition, this.open.get(key)) === undefined) this.open.delete(key)
  }

  /** What opens beside an open one changes nothing, nor does the end of another. */
  commit({ _tag, outage }: OutageEvent): void {
    const key = targetKey(outage.target)
    const open = this.open.get(key)
    if (_tag === "Opened" && open === undefined) this.open.set(key, outage)
    if (_tag === "Closed" && open?.id === outage.id) this.open.delete(key)
  }
}

/** Whether it is a higher step than the one that opened an outage; undefined where one of the two is not proved. */
const isBeyond = (transition: Transition, open: Outage | undefined): boolean | undefined => {
  const step = stepOf(transition)
  return step === undefined || open?.proof === undefined ? undefined : step > open.proof.seq
}

/** Whether an outage that is over by `end` is another than the one that is open in the store. */
const isAnother = (outage: Outage, end: number, open: Outage, now: number): boolean => {
  if (outage.id === openingIdOf(open.id)) return false
  if (outage.proof !== undefined && open.proof !== undefined) return outage.proof.seq !== open.proof.seq
  // A process that was faster has stored the later one first.
  return end <= open.start || (isFromAhead(end, now) && !timesAgree(outage.start, open.start))
}

/** Whether a closing is for this one: it may be late, and what it ended may be over in the store, by another process. */
const ends = (transition: Transition, open: Outage, { isOld, now }: { isOld: boolean; now: number }): boolean => {
  const byStep = isBeyond(transition, open)
  if (byStep !== undefined) return byStep
  const isLater = timeOf(transition) > open.start
  if (transition._tag === "Gone") return isLater || !isOld
  const { after } = transition
  if (after !== undefined && openingIdOf(after.id) === openingIdOf(open.id)) return true
  // What is proved comes after all that is not.
  if (!isOld) return isLater || isFromAhead(open.start, now) || stepOf(transition) !== undefined
  // Not one that is earlier than what it ended, by clocks that may differ.
  return isLater && (after === undefined || open.start >= after.start - sameMoment)
}

/** An outage as it ends at `at`. */
export const endedAt = (outage: Outage, at: number, minimumOffline: number): EndedOutage => {
  // An outage that another process opened may start by another clock than the one that closes it.
  const end = Math.max(at, outage.start + 1)
  return { ...outage, end, blip: end - outage.start < minimumOffline }
}

/** An outage as a transition ends it. */
export const endedBy = (outage: Outage, transition: Transition, minimumOffline: number): EndedOutage => {
  const ended = endedAt(outage, timeOf(transition), minimumOffline)
  if (ended.proof === undefined) return ended
  const closing = closingOf(transition)?.proof
  return {
    ...ended,
    proof: {
      seq: ended.proof.seq,
      late: ended.proof.late || closing?.late === true,
      certified: ended.proof.certified && closing?.certificate !== undefined
    }
  }
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
  blip: false,
  ...down.proof !== undefined && {
    proof: { seq: down.proof.seq, late: down.proof.late, certified: down.proof.certificate !== undefined }
  }
})
