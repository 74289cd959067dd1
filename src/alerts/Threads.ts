import type { Outage, OutageEvent } from "../domain/Outage.ts"
import {
  afterDelivery,
  afterEvent,
  afterSilence,
  afterTry,
  type AlertKind,
  type AlertThread,
  type Delivered,
  dueOn,
  isFinished,
  isResolved,
  shownOn,
  type Storm
} from "./AlertThread.ts"

/** A message that a channel is to be told. */
export interface Due {
  /** The thread that began it: by its id all are known. */
  readonly thread: AlertThread
  readonly storm: Storm
  readonly kind: AlertKind
}

/** Who is told, and what belongs together. */
export interface ThreadsOptions {
  /** Are told of each thread when it opens and when it is over. */
  readonly channels: ReadonlyArray<string>
  /** Show each outage as long as it lasts. */
  readonly boards?: ReadonlyArray<string>
  readonly max: number
  /** Whether an outage that opens now belongs into the thread that another one began. Nothing does when missing. */
  readonly belongs?: (lead: Outage, outage: Outage) => boolean
}

/**
 * The threads that are not finished, with what has changed since it was stored: the pure core of `Alerts`.
 *
 * Open threads are as many as there are targets out. Resolved ones that a channel does not take pile up, so beyond `max`
 * threads the oldest of those are given up.
 */
export class Threads {
  readonly #options: Required<ThreadsOptions>
  readonly #threads = new Map<string, AlertThread>()
  /** By the id of a thread that leads a storm: the ids of those that joined it, in order. */
  readonly #joined = new Map<string, Array<string>>()
  readonly #changed = new Set<string>()
  /** The members that alerts are quiet about, with the override that is the reason. */
  #quiet: ReadonlyMap<string, string> = new Map()
  #givenUp = 0
  #version = 0

  constructor(options: ThreadsOptions) {
    this.#options = { boards: [], belongs: () => false, ...options }
  }

  /** Takes up a thread that is stored as it is. */
  load(thread: AlertThread): void {
    if (this.#threads.has(thread.outage.id)) return
    this.#add(thread)
    this.#silence(thread)
  }

  /** Forgets everything: somebody else tells from now on. */
  clear(): void {
    this.#threads.clear()
    this.#joined.clear()
    this.#changed.clear()
    this.#version += 1
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

  /** Rises with every change. */
  get version(): number {
    return this.#version
  }

  /** Applies an event to the thread of its outage; true when it says something new. */
  apply(event: OutageEvent): boolean {
    const before = this.#threads.get(event.outage.id)
    const after = afterEvent(before, event)
    if (after === before) return false
    if (before === undefined) this.#begin(this.#silenced(after))
    else this.#change(after)
    this.#bound()
    return true
  }

  /** Remembers that a channel was told. */
  delivered(id: string, channel: string, delivered: Delivered): void {
    const thread = this.#threads.get(id)
    if (thread === undefined) return
    const after = afterDelivery(thread, channel, delivered)
    this.#change(after)
    // Those that joined it are finished with it.
    if (this.isFinished(after)) {
      for (const one of this.#stormOf(this.#leadOf(after))) {
        this.#changed.add(one.outage.id)
      }
    }
  }

  /** Remembers that a channel is being told for the first time, or certainly was not. Gives the thread when that is new. */
  tries(id: string, channel: string, isTrying: boolean): AlertThread | undefined {
    const thread = this.#threads.get(id)
    const after = thread === undefined ? undefined : afterTry(thread, channel, isTrying)
    if (after === undefined || after === thread) return undefined
    this.#change(after)
    return after
  }

  /** Remembers that a board shows an outage as open, or has shown its end for long enough. */
  shown(id: string, board: string, state: AlertThread["state"]): void {
    const kind = state === "open" ? "opened" : "resolved"
    const thread = this.#threads.get(id)
    if (thread !== undefined && thread.delivered[board] !== kind) this.delivered(id, board, { kind })
  }

  /** What a channel is to be told, in no order. */
  *due(channel: string): Iterable<Due> {
    for (const thread of this.#threads.values()) {
      if (this.#isJoined(thread)) continue
      const storm = this.#stormOf(thread)
      const kind = dueOn(storm, channel)
      if (kind !== undefined) yield { thread, storm, kind }
    }
  }

  /** What a board is to show, in no order. */
  standing(board: string): ReadonlyArray<AlertThread> {
    return [...this.#threads.values()].filter((thread) => shownOn(thread, board) !== undefined)
  }

  /** Threads in which something is left to be told or to happen, longest outage first. */
  unfinished(): ReadonlyArray<AlertThread> {
    return [...this.#threads.values()]
      .flatMap((thread) => this.#isJoined(thread) || this.isFinished(thread) ? [] : this.#stormOf(thread))
      .sort((a, b) => a.outage.start - b.outage.start)
  }

  /** What is open, told or not. */
  open(): ReadonlyArray<Outage> {
    return [...this.#threads.values()].flatMap(({ outage, state }) => state === "open" ? [outage] : [])
  }

  isFinished(thread: AlertThread): boolean {
    const { boards, channels } = this.#options
    return isFinished(this.#stormOf(this.#leadOf(thread)), channels, boards)
  }

  /** How many threads were given up. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** The threads whose state is not stored. One that leads a finished storm comes after all that joined it. */
  changed(): ReadonlyArray<AlertThread> {
    const all = [...this.#changed].flatMap((id) => this.#threads.get(id) ?? [])
    const isLast = (thread: AlertThread) => !this.#isJoined(thread) && this.isFinished(thread)
    return [...all.filter((thread) => !isLast(thread)), ...all.filter(isLast)]
  }

  /**
   * A thread is stored as it was, as finished or not; it is changed still when it has changed since. A finished one is
   * forgotten.
   */
  stored(thread: AlertThread, finished: boolean): void {
    const { id } = thread.outage
    if (this.#threads.get(id) !== thread || this.isFinished(thread) !== finished) return
    this.#changed.delete(id)
    if (finished) this.#forget(thread)
  }

  #begin(thread: AlertThread): void {
    const lead = thread.state === "open" && thread.silenced === undefined ? this.#stormFor(thread.outage) : undefined
    const one = lead === undefined ? thread : { ...thread, joined: lead.outage.id }
    this.#add(one)
    this.#change(one)
  }

  /** The thread of a storm that goes on and that an outage belongs to: the oldest. */
  #stormFor(outage: Outage): AlertThread | undefined {
    let found: AlertThread | undefined
    for (const thread of this.#threads.values()) {
      if (found !== undefined && found.outage.start <= thread.outage.start) continue
      if (this.#isJoined(thread) || !this.#options.belongs(thread.outage, outage)) continue
      const storm = this.#stormOf(thread)
      if (!isResolved(storm) && storm.some((one) => one.silenced === undefined)) found = thread
    }
    return found
  }

  /** The thread with which one is told: itself, unless it joined one that is there. */
  #leadOf(thread: AlertThread): AlertThread {
    return thread.joined === undefined ? thread : this.#threads.get(thread.joined) ?? thread
  }

  #isJoined(thread: AlertThread): boolean {
    return this.#leadOf(thread) !== thread
  }

  #stormOf(lead: AlertThread): Storm {
    const joined = this.#joined.get(lead.outage.id) ?? []
    return [lead, ...joined.flatMap((id) => this.#threads.get(id) ?? [])]
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

  #add(thread: AlertThread): void {
    this.#threads.set(thread.outage.id, thread)
    this.#version += 1
    if (thread.joined === undefined) return
    const joined = this.#joined.get(thread.joined)
    if (joined === undefined) this.#joined.set(thread.joined, [thread.outage.id])
    else joined.push(thread.outage.id)
  }

  #change(thread: AlertThread): void {
    this.#threads.set(thread.outage.id, thread)
    this.#changed.add(thread.outage.id)
    this.#version += 1
  }

  #forget({ joined, outage: { id } }: AlertThread): void {
    this.#threads.delete(id)
    this.#version += 1
    const siblings = joined === undefined ? undefined : this.#joined.get(joined)
    if (siblings === undefined) this.#joined.delete(id)
    else siblings.splice(siblings.indexOf(id), 1)
  }

  #bound(): void {
    if (this.#threads.size <= this.#options.max) return
    for (const thread of this.#threads.values()) {
      if (this.#isJoined(thread) || this.isFinished(thread) || !isResolved(this.#stormOf(thread))) continue
      const { boards, channels } = this.#options
      const { id } = thread.outage
      this.#givenUp += 1
      for (const one of this.#stormOf(thread)) {
        for (const board of boards) this.shown(one.outage.id, board, "resolved")
      }
      for (const channel of channels) this.delivered(id, channel, { kind: "resolved" })
      return
    }
  }
}
