import type { OutageEvent } from "../domain/Outage.ts"
import {
  afterDelivery,
  afterEvent,
  afterSilence,
  type AlertKind,
  type AlertThread,
  dueOn,
  isFinished
} from "./AlertThread.ts"

/** A message that a channel is to be told. */
export interface Due {
  readonly thread: AlertThread
  readonly kind: AlertKind
}

/**
 * The threads that are not finished, with what has changed since it was stored: the pure core of `Alerts`.
 *
 * Open threads are as many as there are targets out. Resolved ones that a channel does not take pile up, so beyond `max`
 * threads the oldest of those are given up.
 */
export class Threads {
  readonly #channels: ReadonlyArray<string>
  readonly #max: number
  readonly #threads = new Map<string, AlertThread>()
  readonly #changed = new Set<string>()
  /** The members that alerts are quiet about, with the override that is the reason. */
  #quiet: ReadonlyMap<string, string> = new Map()
  #givenUp = 0

  constructor(channels: ReadonlyArray<string>, max: number) {
    this.#channels = channels
    this.#max = max
  }

  /** Takes up a thread that is stored as it is. */
  load(thread: AlertThread): void {
    if (this.#threads.has(thread.outage.id)) return
    this.#threads.set(thread.outage.id, thread)
    this.#silence(thread)
  }

  /**
   * From now on alerts are quiet about these members, by name the id of the override, and about no others. Gives the
   * threads that this changed.
   */
  silence(quiet: ReadonlyMap<string, string>): ReadonlyArray<AlertThread> {
    this.#quiet = quiet
    return [...this.#threads.values()].flatMap((thread) => this.#silence(thread) ?? [])
  }

  has(id: string): boolean {
    return this.#threads.has(id)
  }

  get(id: string): AlertThread | undefined {
    return this.#threads.get(id)
  }

  /** Applies an event to the thread of its outage; true when it says something new. */
  apply(event: OutageEvent): boolean {
    const before = this.#threads.get(event.outage.id)
    const after = afterEvent(before, event)
    if (after === before) return false
    this.#change(before === undefined ? this.#silenced(after) : after)
    this.#bound()
    return true
  }

  /** Remembers that a channel was told. */
  delivered(id: string, channel: string, kind: AlertKind): void {
    const thread = this.#threads.get(id)
    if (thread !== undefined) this.#change(afterDelivery(thread, channel, kind))
  }

  /** What a channel is to be told, in no order. */
  *due(channel: string): Iterable<Due> {
    for (const thread of this.#threads.values()) {
      const kind = dueOn(thread, channel)
      if (kind !== undefined) yield { thread, kind }
    }
  }

  /** Threads in which something is left to be told or to happen, longest outage first. */
  unfinished(): ReadonlyArray<AlertThread> {
    return [...this.#threads.values()]
      .filter((thread) => !this.isFinished(thread))
      .sort((a, b) => a.outage.start - b.outage.start)
  }

  isFinished(thread: AlertThread): boolean {
    return isFinished(thread, this.#channels)
  }

  /** How many threads were given up. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** The threads whose state is not stored. */
  changed(): ReadonlyArray<AlertThread> {
    return [...this.#changed].flatMap((id) => this.#threads.get(id) ?? [])
  }

  /** A thread is stored as it was; it is changed still when it has changed since. A finished one is forgotten. */
  stored(thread: AlertThread): void {
    const { id } = thread.outage
    if (this.#threads.get(id) !== thread) return
    this.#changed.delete(id)
    if (this.isFinished(thread)) this.#threads.delete(id)
  }

  #silenced(thread: AlertThread): AlertThread {
    const override = this.#quiet.get(thread.outage.target.member)
    // Also one that was over before we heard of it, which `afterSilence` would let be.
    return override === undefined ? thread : { ...thread, silenced: override }
  }

  #silence(thread: AlertThread): AlertThread | undefined {
    const after = afterSilence(thread, this.#quiet.get(thread.outage.target.member))
    if (after === thread) return undefined
    this.#change(after)
    return after
  }

  #change(thread: AlertThread): void {
    this.#threads.set(thread.outage.id, thread)
    this.#changed.add(thread.outage.id)
  }

  #bound(): void {
    if (this.#threads.size <= this.#max) return
    for (const thread of this.#threads.values()) {
      if (thread.state !== "resolved" || this.isFinished(thread)) continue
      this.#givenUp += 1
      this.#change(this.#channels.reduce((told, channel) => afterDelivery(told, channel, "resolved"), thread))
      return
    }
  }
}
