import type { AlertError } from "./AlertError.ts"
import type { AlertKind } from "./AlertThread.ts"
import type { Due } from "./Threads.ts"

/** When a message that was refused for what it is, and not for the state of the channel, is tried again. Milliseconds. */
const refusedWait = 3_600_000
/** Refusals after which it is a dead letter. */
const maxRefusals = 3
/** Failures of a message that may be those of the channel, after which it is seen whether another one gets through. */
const maxDoubts = 3
/** Between two messages about one storm that grows or shrinks, in milliseconds. */
const updateEvery = 15_000

interface Failure {
  readonly kind: AlertKind
  /** Failures that may be the fault of the message, or of the channel. */
  readonly doubts: number
  /** Messages that the channel had taken in all when this one failed last. */
  readonly taken: number
  /** Failures that are its own, as it was refused or others got through meanwhile: so often it stood back behind the others. */
  readonly own: number
  readonly refusals: number
  /** Milliseconds since the epoch. */
  readonly notBefore: number
}

const none = { doubts: 0, taken: 0, own: 0, refusals: 0, notBefore: 0 }

/** After how many failures like this one it is asked whether it is the message: never when nothing at all gets through. */
const doubtsOf = (error: AlertError): number => error.isDown !== true ? 1 : error.isOdd === true ? maxDoubts : Infinity

/**
 * In which order one channel is told, and what it did not take: the longest outage first, as long as it may be the channel
 * that fails. When it may be the message, another one is tried right after it. Should that get through, the first stands
 * back behind the others with its next failure, and holds up none. All times in milliseconds since the epoch.
 */
export class Backlog {
  readonly #isThere: (thread: string) => boolean
  /** By the id of a thread. */
  readonly #failures = new Map<string, Failure>()
  /** By the id of a thread, when the channel was told of it last. */
  readonly #toldAt = new Map<string, number>()
  #taken = 0
  /** The message that is tried is one beside that which failed. */
  #isOther = false
  /** The id of a thread that failed just now, perhaps by its own fault. */
  #doubted: string | undefined

  /** `isThere`: whether a thread is held still. */
  constructor(isThere: (thread: string) => boolean) {
    this.#isThere = isThere
  }

  /** Something waits that failed. */
  get isTroubled(): boolean {
    return this.#failures.size > 0
  }

  /** The next message, or how long to wait for one; and what waits in all. */
  next(dues: Iterable<Due>, now: number): {
    readonly next: Due | undefined
    readonly wait: number
    readonly waiting: number
  } {
    let next: Due | undefined
    let wait = Infinity
    const ids = new Set<string>()
    for (const due of dues) {
      ids.add(due.thread.outage.id)
      const left = this.#dueAt(due) - now
      if (left > 0) wait = Math.min(wait, left)
      else if (next === undefined || this.#isBefore(due, next)) next = due
    }
    // A thread that was given up has no message any more.
    for (const id of this.#failures.keys()) if (!ids.has(id)) this.#failures.delete(id)
    for (const id of this.#toldAt.keys()) if (!this.#isThere(id)) this.#toldAt.delete(id)
    return { next, wait, waiting: ids.size }
  }

  /** When it may have been the message that failed just now: another one, which was tried least. */
  other(dues: Iterable<Due>, now: number): Due | undefined {
    const doubted = this.#doubted
    this.#doubted = undefined
    this.#isOther = false
    if (doubted === undefined) return undefined
    let other: Due | undefined
    for (const due of dues) {
      if (due.thread.outage.id === doubted || this.#dueAt(due) > now) continue
      const [doubts, least] = [
        this.#failureOf(due).doubts,
        other === undefined ? Infinity : this.#failureOf(other).doubts
      ]
      if (doubts < least || doubts === least && this.#isBefore(due, other!)) other = due
    }
    this.#isOther = other !== undefined
    return other
  }

  /** The channel took it. */
  taken(due: Due, now: number): void {
    this.#taken += 1
    this.done(due, now)
  }

  /** Nothing more is to be done about it. */
  done({ kind, thread: { outage: { id } } }: Due, now: number): void {
    this.#doubted = undefined
    this.#failures.delete(id)
    if (kind === "resolved") this.#toldAt.delete(id)
    else this.#toldAt.set(id, now)
  }

  /** The channel did not take it. True when it is to be given up. */
  failed(due: Due, error: AlertError, now: number): boolean {
    const before = this.#failureOf(due)
    const bearable = doubtsOf(error)
    const isItself = before.doubts >= bearable && this.#taken > before.taken
    const isRefused = !error.isRetryable || isItself && error.isOdd === true
    const refusals = before.refusals + (isRefused ? 1 : 0)
    if (refusals >= maxRefusals) return true
    const doubts = before.doubts + (error.isRetryable && bearable < Infinity ? 1 : 0)
    const { id } = due.thread.outage
    const isDoubtful = error.isRetryable && !isItself && doubts >= bearable && doubts % bearable === 0
    this.#doubted = isDoubtful && !this.#isOther ? id : undefined
    this.#failures.set(id, {
      kind: due.kind,
      doubts,
      taken: this.#taken,
      own: before.own + (isRefused || isItself ? 1 : 0),
      refusals,
      notBefore: isRefused ? now + refusedWait : now
    })
    return false
  }

  /** Another message of the same thread begins anew. */
  #failureOf({ kind, thread: { outage: { id } } }: Due): Omit<Failure, "kind"> {
    const failure = this.#failures.get(id)
    return failure?.kind === kind ? failure : none
  }

  #isBefore(a: Due, b: Due): boolean {
    const own = this.#failureOf(a).own - this.#failureOf(b).own
    return own !== 0 ? own < 0 : a.thread.outage.start < b.thread.outage.start
  }

  #dueAt(due: Due): number {
    return Math.max(
      this.#failureOf(due).notBefore,
      due.kind === "updated" ? (this.#toldAt.get(due.thread.outage.id) ?? 0) + updateEvery : 0
    )
  }
}
