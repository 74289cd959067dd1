import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Target } from "../domain/Target.ts"
import type { Official, StatusChange } from "./Decision.ts"
import { OfficialJson } from "./OfficialFile.ts"

/** What opens or closes an outage: a decision, or that nobody serves the target any more. */
export type Transition =
  | {
    readonly _tag: "Decided"
    readonly status: Official
    /** The outage that it ends, as far as this node knew. Clocks are set back, so times alone do not tell. */
    readonly after?: OutageIdentity
    /**
     * Down by a decision that may be an old one: since when its target is served, as far as this node knows. Milliseconds
     * since the epoch. Only where the documents may have been without it meanwhile.
     */
    readonly since?: number
  }
  /** `at` in milliseconds since the epoch. */
  | { readonly _tag: "Gone"; readonly target: Target; readonly at: number }

/** What tells an outage from others of its target: the id of the decision that opened it, and when that was. */
export interface OutageIdentity {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly start: number
}

/** One that waits for the store. Numbers grow in the order in which they came, also over restarts. */
export interface WaitingTransition {
  readonly number: number
  readonly transition: Transition
  /** What its record takes in the journal. */
  readonly bytes: number
}

/** The transition that a decision is. `after`: the outage that it ends, when that is known. */
export const decided = (status: Official, after?: OutageIdentity): Transition =>
  after === undefined ? { _tag: "Decided", status } : { _tag: "Decided", status, after }

/** That a target is down by a decision that may have been taken long ago, and is served since a time, in milliseconds since the epoch. */
export const downSince = (status: Official, since: number): Transition => ({ _tag: "Decided", status, since })

/**
 * The transition that a change of official status is. `now`, in milliseconds since the epoch, where the documents are followed: what was
 * forgotten with its target comes as the first.
 */
export const changed = ({ after, before }: StatusChange, now?: number): Transition =>
  now !== undefined && before === undefined && !after.up
    ? downSince(after, now)
    : decided(after, before === undefined || before.up ? undefined : { id: before.id, start: before.decidedAt })

/** The target of a transition. */
export const targetOf = (transition: Transition): Target =>
  transition._tag === "Decided" ? transition.status.target : transition.target

/** When it took place, in milliseconds since the epoch. */
export const timeOf = (transition: Transition): number =>
  transition._tag === "Decided" ? transition.status.decidedAt : transition.at

/** The decision, where it was one. */
export const decisionOf = (transition: Transition): Official | undefined =>
  transition._tag === "Decided" ? transition.status : undefined

/** The step of the target's register that it is, where it is proved. */
export const stepOf = (transition: Transition): number | undefined => decisionOf(transition)?.proof?.seq

/** Since when its target is served, where that counts. Milliseconds since the epoch. */
export const sinceOf = (transition: Transition): number | undefined =>
  transition._tag === "Decided" ? transition.since : undefined

/** The decision that closes an outage by it, if it is one. */
export const closingOf = (transition: Transition): Official | undefined =>
  isDown(transition) ? undefined : decisionOf(transition)

/**
 * Whether two that follow each other on a target say the same. Two that take it down by different steps do not: it was up in
 * between, as is proved, and the second ends the outage of the first.
 */
export const saysTheSame = (before: Transition, after: Transition): boolean => {
  if (isDown(before) !== isDown(after)) return false
  const [first, second] = [stepOf(before), stepOf(after)]
  return !isDown(after) || first === undefined || second === undefined || first === second
}

/** Whether it opens an outage, where none is open; others close one. */
export const isDown = (transition: Transition): boolean => transition._tag === "Decided" && !transition.status.up

/** A line of the journal: a transition, or that all up to a number are done. */
export type JournalRecord =
  | { readonly number: number; readonly transition: Transition }
  | { readonly done: number }

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Union([
  Schema.Struct({
    n: Schema.Finite,
    status: OfficialJson,
    after: Schema.optionalKey(Schema.Struct({ id: Schema.String, start: Schema.Finite })),
    since: Schema.optionalKey(Schema.Finite)
  }),
  Schema.Struct({ n: Schema.Finite, gone: Target, at: Schema.Finite }),
  Schema.Struct({ done: Schema.Finite })
])))

/** The record of a transition. */
export const transitionRecord = (number: number, transition: Transition): string => {
  if (transition._tag === "Gone") return JSON.stringify({ n: number, gone: transition.target, at: transition.at })
  const { after, since, status } = transition
  return JSON.stringify({
    n: number,
    status: { ...status, data: isJson(status.data) ? status.data : null },
    after,
    since
  })
}

/** What a probe measured need not be; the outage is what counts. */
const isJson = (data: unknown): boolean => {
  try {
    return JSON.stringify(data) !== undefined
  } catch {
    return false
  }
}

/** The record that all transitions up to this number are done. */
export const doneRecord = (number: number): string => JSON.stringify({ done: number })

/** What a record takes in the file, with its checksum. */
export const recordBytes = (record: string): number => Buffer.byteLength(record) + 10

/** What a record says; undefined when it is none. */
export const readRecord = (text: string): JournalRecord | undefined => {
  const record = Option.getOrUndefined(decode(text))
  if (record === undefined || "done" in record) return record
  return {
    number: record.n,
    transition: "status" in record
      ? record.since === undefined ? decided(record.status, record.after) : downSince(record.status, record.since)
      : { _tag: "Gone", target: record.gone, at: record.at }
  }
}
