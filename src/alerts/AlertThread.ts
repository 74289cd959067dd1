import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { Target } from "../domain/Target.ts"
import type { AlertMessage } from "./AlertMessage.ts"

/** What a channel can be told about a thread. */
export type AlertKind = AlertMessage["kind"]

/**
 * One alert thread as it stands: one per outage, with the outage's id. One that opened in a storm is told with the thread
 * that it has `joined`: what was delivered is in that one.
 */
export interface AlertThread {
  readonly outage: Outage
  readonly state: "open" | "resolved"
  /** The id of the outage in whose thread it is told. */
  readonly joined?: string
  /** By channel: the last kind that was delivered. */
  readonly delivered: Readonly<Record<string, AlertKind>>
  /** Channels to which the first message is on its way, or may have come: nobody knows when the process was killed then. */
  readonly trying?: ReadonlyArray<string>
  /** By channel: how much of the storm was told, see {@link revisionOf}. Missing: one outage, opened. */
  readonly revisions?: Readonly<Record<string, number>>
  /** By channel: what it gave back for the message, such as its id there. */
  readonly receipts?: Readonly<Record<string, string>>
  /** The id of the override that keeps it quiet, or kept it to the end: its member was out of service by hand. */
  readonly silenced?: string
}

/** What is told as one: a thread, and those that joined it, in the order in which they did. */
export type Storm = readonly [lead: AlertThread, ...joined: ReadonlyArray<AlertThread>]

/**
 * The thread after an event. The same thread when the event says nothing new: it came twice, or late. Nothing is keyed by
 * a target or a text, so a second outage of a target is a thread of its own, and an error with other words is not.
 */
export const afterEvent = (thread: AlertThread | undefined, { _tag, outage }: OutageEvent): AlertThread => {
  const state = _tag === "Opened" ? "open" : "resolved"
  if (thread === undefined) return { outage, state, delivered: {} }
  return thread.state === "open" && state === "resolved" ? { ...thread, outage, state } : thread
}

/** Every outage of it is over. */
export const isResolved = (storm: Storm): boolean => storm.every((thread) => thread.state === "resolved")

/** How much there is to tell of a storm: a number that rises with each outage that joins it or is over. */
export const revisionOf = (storm: Storm): number =>
  storm.length + storm.filter((thread) => thread.state === "resolved").length

/**
 * What a channel is to be told next, if anything.
 *
 * An outage that was over before the channel heard of it is told once, as resolved: that message has the start, the end
 * and the error, and nobody is called for what is over. Whether an outage is a blip is known only when it ends, so it is
 * told when it opens like any other. Where that it opened may have been told already, it is told with the same key again,
 * so that the end becomes a part of the same message. What is silenced is not told; but a channel that was told before hears the end. A
 * storm is silenced when all of it is.
 */
export const dueOn = (storm: Storm, channel: string): AlertKind | undefined => {
  const [lead] = storm
  const told = lead.delivered[channel]
  if (told === undefined && lead.trying?.includes(channel) === true) return "opened"
  if (told === undefined && storm.every((thread) => thread.silenced !== undefined)) return undefined
  if (isResolved(storm)) return told === "resolved" ? undefined : "resolved"
  if (told === undefined) return "opened"
  return told !== "resolved" && revisionOf(storm) > (lead.revisions?.[channel] ?? 1) ? "updated" : undefined
}

/**
 * What a board is to show of one thread, as open or as resolved; nothing when it has shown the end for long enough. A
 * board shows each outage by itself.
 */
export const shownOn = (thread: AlertThread, board: string): AlertThread["state"] | undefined => {
  const shown = thread.delivered[board]
  return shown === "resolved" || shown === undefined && thread.silenced !== undefined ? undefined : thread.state
}

/**
 * The thread after an override began to silence it, or stopped (undefined). One that was over in silence stays so: nobody
 * needs to hear of it.
 */
export const afterSilence = (thread: AlertThread, override: string | undefined): AlertThread => {
  if (thread.state === "resolved" || thread.silenced === override) return thread
  const { silenced: _, ...rest } = thread
  return override === undefined ? rest : { ...rest, silenced: override }
}

/** The thread while a channel is told for the first time, and after it certainly was not. */
export const afterTry = (thread: AlertThread, channel: string, isTrying: boolean): AlertThread => {
  const { trying = [], ...rest } = thread
  if (trying.includes(channel) === isTrying) return thread
  const all = isTrying ? [...trying, channel] : trying.filter((one) => one !== channel)
  return all.length === 0 ? rest : { ...rest, trying: all }
}

/** What a channel took. */
export interface Delivered {
  readonly kind: AlertKind
  /** Of the storm that the message told; 1 for a single outage that opened. */
  readonly revision?: number
  /** What it gave back; the one before stays when it gave none. */
  readonly receipt?: string | undefined
}

/** The thread after a channel has been told. */
export const afterDelivery = (
  thread: AlertThread,
  channel: string,
  { kind, receipt, revision = 1 }: Delivered
): AlertThread => ({
  ...afterTry(thread, channel, false),
  delivered: { ...thread.delivered, [channel]: kind },
  ...revision > 1 && kind !== "resolved" && { revisions: { ...thread.revisions, [channel]: revision } },
  ...receipt !== undefined && { receipts: { ...thread.receipts, [channel]: receipt } }
})

/** Nothing will ever be told about it again. */
export const isFinished = (
  storm: Storm,
  channels: ReadonlyArray<string>,
  boards: ReadonlyArray<string> = []
): boolean =>
  isResolved(storm) &&
  channels.every((channel) => dueOn(storm, channel) === undefined) &&
  boards.every((board) => storm.every((thread) => shownOn(thread, board) === undefined))

/** The message that tells so much. Its key is the same on every try and after every restart. */
export const messageOf = (
  storm: Storm,
  kind: AlertKind,
  options: {
    readonly severity?: AlertMessage["severity"]
    readonly receipt?: string | undefined
    readonly isTest?: boolean
  } = {}
): AlertMessage => {
  const { outage } = storm[0]
  return {
    outage,
    outages: storm.map((thread) => thread.outage),
    kind,
    severity: options.severity ?? "warning",
    receipt: options.receipt,
    ...options.isTest === true && { isTest: true },
    idempotencyKey: kind === "updated" ? `${outage.id}:updated:${revisionOf(storm)}` : `${outage.id}:${kind}`
  }
}

const Kind = Schema.Literals(["opened", "updated", "resolved"])

/** A thread as it is stored. What the probe measured is left out: no alert tells it. */
const StoredThread = Schema.fromJsonString(Schema.Struct({
  state: Schema.Literals(["open", "resolved"]),
  joined: Schema.optionalKey(Schema.String),
  delivered: Schema.Record(Schema.String, Kind),
  trying: Schema.optionalKey(Schema.Array(Schema.String)),
  revisions: Schema.optionalKey(Schema.Record(Schema.String, Schema.Number)),
  receipts: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  silenced: Schema.optionalKey(Schema.String),
  outage: Schema.Struct({
    id: Schema.String,
    target: Target,
    start: Schema.Number,
    end: Schema.NullOr(Schema.Number),
    error: Schema.String,
    votes: Schema.Record(Schema.String, Schema.Boolean),
    blip: Schema.Boolean
  })
}))
const decode = Schema.decodeResult(StoredThread)

/** A thread as JSON. */
export const encodeThread = ({ outage, ...thread }: AlertThread): string => {
  const { data: _, end, ...rest } = outage
  return JSON.stringify({ ...thread, outage: { ...rest, end: end ?? null } })
}

/** The reverse of {@link encodeThread}, or what is wrong with the text. */
export const decodeThread = (text: string): Result.Result<AlertThread, string> =>
  Result.mapBoth(decode(text), {
    onFailure: (error) => error.message,
    onSuccess: ({ outage, ...thread }): AlertThread => ({
      ...thread,
      outage: { ...outage, end: outage.end ?? undefined, data: null }
    })
  })
