import type { DecisionProof } from "../domain/DecisionProof.ts"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import type { Decision, Official, StatusChange } from "./Decision.ts"

/** A decision further than this from our clock, either way, is not believed. Milliseconds. */
export const clockTolerance = 5 * 60_000

/** Decisions that a target remembers by id, so that a late copy of a superseded one does not bring it back. */
const rememberedIds = 8

/** What became of a decision. */
export type Applied =
  | { readonly _tag: "Changed"; readonly change: StatusChange; readonly entry: OfficialEntry }
  /** The target has that status already. What is proved since stands in the entry. */
  | { readonly _tag: "Same"; readonly entry: OfficialEntry }
  | {
    readonly _tag: "Ignored"
    /** `old`: not newer than the target's last; `clock`: too far from our clock; `full`: no room for another target. */
    readonly reason: "old" | "clock" | "full"
  }

/** The official status of one target with what it takes to order decisions. */
export interface OfficialEntry {
  readonly official: Official
  /** The newest decision that was taken, if only because it said the same again: older ones come too late. */
  readonly newest: { readonly decidedAt: number; readonly id: string }
  /** The ids of the decisions that were taken last, the latest first; at most eight. */
  readonly recent: ReadonlyArray<string>
  /** The id of the opposite status that it replaced. */
  readonly before?: string
}

/** Whether this target had such a decision, or it is the one that its status replaced: whatever the clocks said. */
export const remembers = ({ before, official, recent }: OfficialEntry, id: string): boolean =>
  official.id === id || before === id || recent.includes(id)

const old: Applied = { _tag: "Ignored", reason: "old" }
const clock: Applied = { _tag: "Ignored", reason: "clock" }
const full: Applied = { _tag: "Ignored", reason: "full" }

/**
 * The official status of every target, as a last-writer-wins register per target: decisions are ordered by their time
 * and, where that is equal, by their id. Those that are proved are ordered by their `seq` alone, and come before all that are
 * not. So nodes that heard the same decisions agree, in whatever order they came.
 */
export class OfficialTable {
  readonly capacity: number
  private readonly entries = new Map<TargetKey, OfficialEntry>()

  /** `capacity` bounds the number of targets: a flood of invented ones cannot push out those that are there. */
  constructor(options: { readonly capacity: number }) {
    this.capacity = options.capacity
  }

  get size(): number {
    return this.entries.size
  }

  get(key: TargetKey): Official | undefined {
    return this.entries.get(key)?.official
  }

  /** A copy, in the order in which targets got their first status. */
  all(): ReadonlyMap<TargetKey, Official> {
    const all = new Map<TargetKey, Official>()
    for (const [key, entry] of this.entries) all.set(key, entry.official)
    return all
  }

  /** Puts back an entry that was kept on disk. False when there is no room, or the target has one. */
  restore(entry: OfficialEntry): boolean {
    const key = targetKey(entry.official.target)
    if (this.entries.has(key) || this.entries.size >= this.capacity) return false
    this.entries.set(key, entry)
    return true
  }

  /** The same with what it takes to order decisions. */
  allEntries(): ReadonlyMap<TargetKey, OfficialEntry> {
    return new Map(this.entries)
  }

  /** Takes a decision. `now` in milliseconds since the epoch. One that is proved is taken whenever it was decided. */
  apply(decision: Decision, now: number): Applied {
    if (decision.proof !== undefined) return this.step(decision, decision.proof)
    if (!(Math.abs(decision.decidedAt - now) <= clockTolerance)) return clock
    return this.order(decision, { decidedAt: decision.decidedAt, id: decision.id }, now)
  }

  /**
   * Takes what another node, or the store, remembers as official: a decision however old, and the newest one that said
   * the same. Times that our clock has not reached are not believed.
   */
  recall(decision: Decision, newest: OfficialEntry["newest"], now: number): Applied {
    if (decision.proof !== undefined) return this.step(decision, decision.proof)
    if (!(Math.max(decision.decidedAt, newest.decidedAt) <= now + clockTolerance)) return clock
    const own = { decidedAt: decision.decidedAt, id: decision.id }
    return this.order(decision, isAfter(own, newest) ? own : newest, now, true)
  }

  /** Takes back what this node had taken before it was restarted, as its own files tell: whatever its clock says now. */
  resume(decision: Decision, now: number): Applied {
    if (decision.proof !== undefined) return this.step(decision, decision.proof)
    return this.order(decision, { decidedAt: decision.decidedAt, id: decision.id }, now)
  }

  private order(decision: Decision, newest: OfficialEntry["newest"], now: number, isRecalled = false): Applied {
    const key = targetKey(decision.target)
    const entry = this.entries.get(key)
    if (entry === undefined) return this.begin(key, decision, newest)
    // A time that our clock has not reached was given by one that was wrong: nothing could ever come after it.
    const isPossible = entry.newest.decidedAt <= now + clockTolerance
    if (isPossible && !isAfter(newest, entry.newest)) return old
    const known = entry.recent.includes(newest.id)
    const recent = known ? entry.recent : [newest.id, ...entry.recent].slice(0, rememberedIds)
    if (entry.official.up === decision.up) {
      const same = { ...entry, newest, recent }
      this.entries.set(key, same)
      return { _tag: "Same", entry: same }
    }
    // Several nodes may close one proposal, each at its own time: a later copy does not undo what came between. Where others
    // heard that copy first, they hold it, and what came between is older to them: so all of us end with the later time.
    if (known && !isRecalled) return old
    // First decided before the status that it ends: it begins with what said the same since.
    const isNew = !isPossible || decision.decidedAt > entry.official.decidedAt
    const official = isNew ? decision : { ...decision, ...newest }
    const next = { official, newest, recent, before: entry.official.id }
    this.entries.set(key, next)
    return { _tag: "Changed", change: { before: entry.official, after: official }, entry: next }
  }

  /** By `seq` alone: no clock, and nothing that is not proved, has a say. */
  private step(decision: Decision, { seq }: DecisionProof): Applied {
    const key = targetKey(decision.target)
    const entry = this.entries.get(key)
    const newest = { decidedAt: decision.decidedAt, id: decision.id }
    if (entry === undefined) return this.begin(key, decision, newest)
    const { official, recent } = entry
    const own = official.proof?.seq ?? 0
    if (seq < own) return old
    if (seq === own) return { _tag: "Same", entry }
    const next = { official: decision, newest, recent: [decision.id, ...recent].slice(0, rememberedIds) }
    if (official.up === decision.up && !isProvenAnew(official, decision)) {
      const same = { ...next, ...entry.before !== undefined && { before: entry.before } }
      this.entries.set(key, same)
      return { _tag: "Same", entry: same }
    }
    const turned = { ...next, before: official.id }
    this.entries.set(key, turned)
    return { _tag: "Changed", change: { before: official, after: decision }, entry: turned }
  }

  private begin(key: TargetKey, decision: Decision, newest: OfficialEntry["newest"]): Applied {
    if (this.entries.size >= this.capacity) return full
    const entry = { official: decision, newest, recent: [...new Set([newest.id, decision.id])] }
    this.entries.set(key, entry)
    return { _tag: "Changed", change: { before: undefined, after: decision }, entry }
  }

  /** Forgets the targets that do not pass, and gives their keys. */
  retain(isConfigured: (target: Target) => boolean): ReadonlyArray<TargetKey> {
    const gone: Array<TargetKey> = []
    for (const [key, entry] of this.entries) if (!isConfigured(entry.official.target)) gone.push(key)
    for (const key of gone) this.entries.delete(key)
    return gone
  }
}

/** Whether the opposite was proved between two decisions that say the same, and we were not told: that is a change for outages. */
export const isProvenAnew = (before: Official, after: Official): boolean =>
  before.proof !== undefined && after.proof !== undefined && before.proof.seq !== after.proof.seq

const isAfter = (a: OfficialEntry["newest"], b: OfficialEntry["newest"]): boolean =>
  a.decidedAt > b.decidedAt || (a.decidedAt === b.decidedAt && a.id > b.id)
