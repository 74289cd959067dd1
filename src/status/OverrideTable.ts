import { holdsAt, type Override, overrideEnd, overrideState } from "../domain/Override.ts"
import { forgottenAt, listedAfterEnd, mergeOverride, overrideText } from "./mergeOverride.ts"
import { type EntryHash, entryHash, OverrideDigest } from "./OverrideDigest.ts"

const day = 86_400_000

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

/** Whether the member would be out still if the end were forgotten. */
const isEndNeeded = (it: Override, now: number): boolean =>
  it.ended !== undefined && (it.until === undefined || it.until > now)

/** How many overrides a table holds. */
export interface OverrideLimits {
  /** In all, those that are over among them. */
  readonly capacity: number
  /** Of these, how many only an operator of this node can give. */
  readonly reserved: number
  /** That other nodes tell and that one node gave. */
  readonly perNode: number
  /** That other nodes tell for members that the documents lack: they change no answer. */
  readonly strangers: number
}

/** Where an override comes from: given at this node, kept by it, or told by another. */
export type OverrideSource = "here" | "file" | "bus"

interface Entry {
  readonly override: Override
  readonly hash: EntryHash
}

/**
 * All overrides that this node knows: a set that only grows, by id, each with the first end that it was given. So nodes
 * that heard the same agree, in whatever order and however often it came. Those that are over are forgotten in time, and
 * earlier where room is needed, as are those for members that the documents lack. Why a member is out now never is. Times in milliseconds since the epoch.
 */
export class OverrideTable {
  readonly limits: OverrideLimits
  readonly #entries = new Map<string, Entry>()
  readonly #digest = new OverrideDigest()
  readonly #perNode = new Map<string, number>()
  #isMember: (name: string) => boolean
  #strangers = new Set<string>()

  /** `isMember` says which members the documents have; all when missing. */
  constructor(limits: OverrideLimits, isMember: (name: string) => boolean = () => true) {
    this.limits = limits
    this.#isMember = isMember
  }

  get size(): number {
    return this.#entries.size
  }

  /** Another table that holds the same now. */
  copy(): OverrideTable {
    const copy = new OverrideTable(this.limits, this.#isMember)
    for (const entry of this.#entries.values()) copy.#set(entry)
    return copy
  }

  /** From now on these are the members that the documents have. */
  know(isMember: (name: string) => boolean): void {
    this.#isMember = isMember
    this.#strangers = new Set(this.all().flatMap(({ id, member }) => isMember(member) ? [] : [id]))
  }

  /** Whether the documents lack its member: it changes no answer. */
  isStranger({ member }: Override): boolean {
    return !this.#isMember(member)
  }

  get(id: string): Override | undefined {
    return this.#entries.get(id)?.override
  }

  all(): ReadonlyArray<Override> {
    return Array.from(this.#entries.values(), ({ override }) => override)
  }

  /** Whether an override says nothing that is not here already. */
  has(override: Override): boolean {
    const there = this.get(override.id)
    return there !== undefined && mergeOverride(there, override) === there
  }

  take(override: Override, now: number, source: OverrideSource = "here"): Taken {
    const there = this.get(override.id)
    if (there !== undefined) {
      const merged = mergeOverride(there, override)
      if (merged === there) return "known"
      this.#set(entryOf(merged))
      return "changed"
    }
    if (forgottenAt(override) <= now) return "old"
    if (!this.#makeRoom(override, now, source)) return "full"
    this.#set(entryOf(override))
    return "new"
  }

  /** Forgets what nobody needs to know any more. */
  forget(now: number): void {
    for (const [id, { override }] of this.#entries) if (forgottenAt(override) <= now) this.#delete(id)
  }

  /** Those that are in force or planned, and those that ended lately; the newest first. */
  listed(now: number): ReadonlyArray<Override> {
    return this.all()
      .filter((it) => overrideState(it, now) !== "over" || endOf(it, now) + listedAfterEnd > now)
      .sort((a, b) => b.at - a.at || (a.id < b.id ? -1 : 1))
  }

  /** Those in force, then those planned, then those that ended within a day. */
  current(now: number): ReadonlyArray<Override> {
    const states = ["active", "planned", "over"]
    const rank = (it: Override) => states.indexOf(overrideState(it, now))
    return this.all()
      .filter((it) => overrideState(it, now) !== "over" || endOf(it, now) + day > now)
      .sort((a, b) => rank(a) - rank(b) || b.at - a.at || (a.id < b.id ? -1 : 1))
  }

  /** By the names of the members that are out: the override that holds longest. */
  active(now: number): ReadonlyMap<string, Override> {
    const active = new Map<string, Override>()
    for (const { override } of this.#entries.values()) {
      if (!holdsAt(override, now)) continue
      const other = active.get(override.member)
      if (other === undefined || isLonger(override, other)) active.set(override.member, override)
    }
    return active
  }

  /** When the next one begins or ends by itself; infinity when none does. */
  nextChange(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { override: it } of this.#entries.values()) {
      const state = overrideState(it, now)
      if (state === "over") continue
      next = Math.min(next, state === "planned" ? it.from : it.until ?? Number.POSITIVE_INFINITY)
    }
    return next
  }

  /** The same for two tables that hold the same, and for no others that came about by chance. */
  digest(): string {
    return this.#digest.text()
  }

  #set(entry: Entry): void {
    const { id, member, node } = entry.override
    this.#delete(id)
    this.#entries.set(id, entry)
    this.#digest.add(entry.hash)
    this.#perNode.set(node, (this.#perNode.get(node) ?? 0) + 1)
    if (!this.#isMember(member)) this.#strangers.add(id)
  }

  #delete(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const { node } = entry.override
    const left = this.#perNode.get(node)! - 1
    if (left === 0) this.#perNode.delete(node)
    else this.#perNode.set(node, left)
    this.#entries.delete(id)
    this.#strangers.delete(id)
    this.#digest.remove(entry.hash)
  }

  /** Forgets what is least needed until the new one fits in; false, and nothing forgotten, when that needs what is needed. */
  #makeRoom(override: Override, now: number, source: OverrideSource): boolean {
    const { capacity, perNode, reserved, strangers } = this.limits
    const goes = new Set<string>()
    if (source === "bus") {
      if (!this.#isMember(override.member) && this.#strangers.size >= strangers) {
        const least = this.#least(override, now, ({ id }) => this.#strangers.has(id))
        if (least === undefined) return false
        goes.add(least)
      }
      if ((this.#perNode.get(override.node) ?? 0) >= perNode) {
        const least = this.#least(override, now, ({ id, node }) => node === override.node && !goes.has(id))
        if (least === undefined) return false
        goes.add(least)
      }
    }
    if (this.#entries.size - goes.size >= (source === "bus" ? capacity - reserved : capacity)) {
      const least = this.#least(override, now, ({ id }) => !goes.has(id))
      if (least === undefined) return false
      goes.add(least)
    }
    for (const id of goes) this.#delete(id)
    return true
  }

  /** Of those that pass, the one that is needed least; undefined when all are needed as much as the new one. */
  #least(override: Override, now: number, passes: (it: Override) => boolean): string | undefined {
    const active = this.active(now)
    const need = (it: Override) => this.#need(it, active, now)
    let least: { readonly it: Override; readonly need: number } | undefined
    for (const { override: it } of this.#entries.values()) {
      if (!passes(it)) continue
      const its = { it, need: need(it) }
      if (
        least === undefined || its.need < least.need || (its.need === least.need && isLessNeeded(it, least.it, now))
      ) least = its
    }
    const own = need(override)
    const isLess = least !== undefined &&
      (least.need < own || (own <= Need.over && least.need === own && isLessNeeded(least.it, override, now)))
    return isLess ? least!.it.id : undefined
  }

  #need(it: Override, active: ReadonlyMap<string, Override>, now: number): number {
    if (!this.#isMember(it.member)) return Need.stranger
    const state = overrideState(it, now)
    if (state !== "active") return state === "over" ? Need.over : Need.planned
    const other = active.get(it.member)
    return other === undefined || other === it || endsLater(it, other) ? Need.holds : Need.double
  }
}

/** How much an override is needed: where there is no room, what is needed more takes the place of what is needed less. */
const Need = {
  /** It changes no answer. */
  stranger: 0,
  over: 1,
  /** It holds, and another for the same member does, too, and as long. */
  double: 2,
  planned: 3,
  /** Its member is out because of it. */
  holds: 4
}

const endsLater = (a: Override, b: Override): boolean =>
  (overrideEnd(a) ?? Number.POSITIVE_INFINITY) > (overrideEnd(b) ?? Number.POSITIVE_INFINITY)

const entryOf = (override: Override): Entry => ({
  override,
  hash: entryHash(overrideText(override))
})

/** When one that is over ended; one whose end is from a clock far behind, not before it was given. */
const endOf = (it: Override, now: number): number => Math.max(overrideEnd(it) ?? now, it.at)

const isLonger = (a: Override, b: Override): boolean => {
  const [x, y] = [overrideEnd(a) ?? Number.POSITIVE_INFINITY, overrideEnd(b) ?? Number.POSITIVE_INFINITY]
  return x !== y ? x > y : a.at !== b.at ? a.at < b.at : a.id < b.id
}

/** Of two: first those that cannot come back, then those that ended first, then those that were given first. */
const isLessNeeded = (a: Override, b: Override, now: number): boolean => {
  const [x, y] = [isEndNeeded(a, now), isEndNeeded(b, now)]
  if (x !== y) return y
  const [p, q] = [overrideEnd(a) ?? now, overrideEnd(b) ?? now]
  return p !== q ? p < q : a.at !== b.at ? a.at < b.at : a.id < b.id
}
