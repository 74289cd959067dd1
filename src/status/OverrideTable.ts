import { createHash } from "node:crypto"
import { holdsAt, type Override, overrideEnd, overrideState } from "../domain/Override.ts"

const day = 86_400_000

/** How long an override is listed after it was over. Milliseconds. */
export const listedAfterEnd = 35 * day

/**
 * How long it is remembered that an override was ended by hand that would hold otherwise: a node that was away and
 * missed the end must not bring the override back. Milliseconds.
 */
export const endRemembered = 400 * day

/** What became of an override that was offered. */
export type Taken =
  | "new"
  /** It was known, and it has another end now. */
  | "changed"
  | "known"
  /** It was over long ago. */
  | "old"
  /** There is no room. */
  | "full"

type End = NonNullable<Override["ended"]>

/** Everything but the end, which alone can change. */
const origin = ({ at, author, from, id, kind, member, node, reason, until }: Override): string =>
  JSON.stringify([id, kind, member, reason, author, node, at, from, until ?? null])

const isBefore = (a: End, b: End): boolean =>
  a.at !== b.at ? a.at < b.at : a.by !== b.by ? a.by < b.by : a.reason < b.reason

const earlier = (a: End | undefined, b: End | undefined): End | undefined =>
  a === undefined ? b : b === undefined || !isBefore(b, a) ? a : b

/**
 * What two copies of one override say together: the earliest end that somebody gave it. Commutative, associative and
 * idempotent, also where two copies differ that should not, so that all who heard the same hold the same. Gives `a`
 * itself when `b` says nothing new.
 */
export const mergeOverride = (a: Override, b: Override): Override => {
  const first = origin(b) < origin(a) ? b : a
  const ended = earlier(a.ended, b.ended)
  return ended === first.ended ? first : { ...first, ended }
}

/** When nobody needs to know of an override any more. */
export const forgottenAt = (it: Override): number => {
  const natural = it.until ?? Number.POSITIVE_INFINITY
  return it.ended === undefined
    ? natural + listedAfterEnd
    : Math.max(it.ended.at + listedAfterEnd, Math.min(natural, it.ended.at + endRemembered))
}

/** Whether the member would be out still if the end were forgotten. */
const isEndNeeded = (it: Override, now: number): boolean =>
  it.ended !== undefined && (it.until === undefined || it.until > now)

/**
 * All overrides that this node knows: a set that only grows, by id, each with the first end that it was given. So nodes
 * that heard the same agree, in whatever order and however often it came. Those that are over are forgotten in time, and
 * earlier where room is needed; what is in force or planned never is. Times in milliseconds since the epoch.
 */
export class OverrideTable {
  readonly capacity: number
  readonly #entries: Map<string, Override>
  #digest: string | undefined

  constructor(options: { readonly capacity: number }, entries: Iterable<readonly [string, Override]> = []) {
    this.capacity = options.capacity
    this.#entries = new Map(entries)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Another table that holds the same now. */
  copy(): OverrideTable {
    return new OverrideTable(this, this.#entries)
  }

  get(id: string): Override | undefined {
    return this.#entries.get(id)
  }

  all(): ReadonlyArray<Override> {
    return [...this.#entries.values()]
  }

  take(override: Override, now: number): Taken {
    const there = this.#entries.get(override.id)
    if (there !== undefined) {
      const merged = mergeOverride(there, override)
      if (isSame(merged, there)) return "known"
      this.#set(merged)
      return "changed"
    }
    if (forgottenAt(override) <= now) return "old"
    if (this.#entries.size >= this.capacity && !this.#makeRoom(override, now)) return "full"
    this.#set(override)
    return "new"
  }

  /** Forgets what nobody needs to know any more. */
  forget(now: number): void {
    for (const [id, override] of this.#entries) if (forgottenAt(override) <= now) this.#delete(id)
  }

  /** Those that are in force or planned, and those that ended lately; the newest first. */
  listed(now: number): ReadonlyArray<Override> {
    return this.all()
      .filter((it) => overrideState(it, now) !== "over" || (overrideEnd(it) ?? now) + listedAfterEnd > now)
      .sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1))
  }

  /** Those in force, then those planned, then those that ended within a day. */
  current(now: number): ReadonlyArray<Override> {
    const states = ["active", "planned", "over"]
    const rank = (it: Override) => states.indexOf(overrideState(it, now))
    return this.all()
      .filter((it) => overrideState(it, now) !== "over" || (overrideEnd(it) ?? now) + day > now)
      .sort((a, b) => rank(a) - rank(b) || b.at - a.at || (a.id < b.id ? -1 : 1))
  }

  /** By the names of the members that are out: the override that holds longest. */
  active(now: number): ReadonlyMap<string, Override> {
    const active = new Map<string, Override>()
    for (const override of this.#entries.values()) {
      if (!holdsAt(override, now)) continue
      const other = active.get(override.member)
      if (other === undefined || isLonger(override, other)) active.set(override.member, override)
    }
    return active
  }

  /** When the next one begins or ends by itself; infinity when none does. */
  nextChange(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const it of this.#entries.values()) {
      const state = overrideState(it, now)
      if (state === "over") continue
      next = Math.min(next, state === "planned" ? it.from : it.until ?? Number.POSITIVE_INFINITY)
    }
    return next
  }

  /** The same for two tables exactly when they hold the same. */
  digest(): string {
    this.#digest ??= createHash("sha256").update(this.all().map(whole).sort().join("\n")).digest("hex")
    return this.#digest
  }

  #set(override: Override): void {
    this.#entries.set(override.id, override)
    this.#digest = undefined
  }

  #delete(id: string): void {
    this.#entries.delete(id)
    this.#digest = undefined
  }

  /** Forgets the one that is least needed, if that is less needed than the new one. */
  #makeRoom(override: Override, now: number): boolean {
    let least: Override | undefined
    for (const it of this.#entries.values()) {
      if (overrideState(it, now) === "over" && (least === undefined || isLessNeeded(it, least, now))) least = it
    }
    const isOver = overrideState(override, now) === "over"
    if (least === undefined || (isOver && isLessNeeded(override, least, now))) return false
    this.#delete(least.id)
    return true
  }
}

const whole = (it: Override): string => origin(it) + JSON.stringify(it.ended ?? null)

const isSame = (a: Override, b: Override): boolean => a === b || whole(a) === whole(b)

const isLonger = (a: Override, b: Override): boolean => {
  const [x, y] = [overrideEnd(a) ?? Number.POSITIVE_INFINITY, overrideEnd(b) ?? Number.POSITIVE_INFINITY]
  return x !== y ? x > y : a.at !== b.at ? a.at < b.at : a.id < b.id
}

/** Of two that are over: first those that cannot come back, then those that ended first. */
const isLessNeeded = (a: Override, b: Override, now: number): boolean => {
  const [x, y] = [isEndNeeded(a, now), isEndNeeded(b, now)]
  if (x !== y) return y
  const [p, q] = [overrideEnd(a) ?? now, overrideEnd(b) ?? now]
  return p !== q ? p < q : a.id < b.id
}
