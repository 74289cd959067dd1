import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { Target } from "../domain/Target.ts"
import type { AlertMessage } from "./AlertMessage.ts"

/** What a channel can be told about a thread. */
export type AlertKind = AlertMessage["kind"]

/** One alert thread as it stands: one per outage, with the outage's id. */
export interface AlertThread {
  readonly outage: Outage
  readonly state: "open" | "resolved"
  /** By channel: the last kind that was delivered. */
  readonly delivered: Readonly<Record<string, AlertKind>>
  /** The id of the override that keeps it quiet, or kept it to the end: its member was out of service by hand. */
  readonly silenced?: string
}

/**
 * The thread after an event. The same thread when the event says nothing new: it came twice, or late. Nothing is keyed by
 * a target or a text, so a second outage of a target is a thread of its own, and an error with other words is not.
 */
export const afterEvent = (thread: AlertThread | undefined, { _tag, outage }: OutageEvent): AlertThread => {
  const state = _tag === "Opened" ? "open" : "resolved"
  if (thread === undefined) return { outage, state, delivered: {} }
  return thread.state === "open" && state === "resolved" ? { ...thread, outage, state } : thread
}

/**
 * What a channel is to be told next, if anything.
 *
 * An outage that was over before the channel heard of it is told once, as resolved: that message has the start, the end
 * and the error, and nobody is called for what is over. Whether an outage is a blip is known only when it ends, so it is
 * told when it opens like any other. What is silenced is not told; but a channel that was told before hears the end.
 */
export const dueOn = (thread: AlertThread, channel: string): AlertKind | undefined => {
  const told = thread.delivered[channel]
  if (told === undefined && thread.silenced !== undefined) return undefined
  if (thread.state === "resolved") return told === "resolved" ? undefined : "resolved"
  return told === undefined ? "opened" : undefined
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

/** The thread after a channel has been told. */
export const afterDelivery = (thread: AlertThread, channel: string, kind: AlertKind): AlertThread => ({
  ...thread,
  delivered: { ...thread.delivered, [channel]: kind }
})

/** Nothing will ever be told about it again. */
export const isFinished = (thread: AlertThread, channels: ReadonlyArray<string>): boolean =>
  thread.state === "resolved" && channels.every((channel) => dueOn(thread, channel) === undefined)

/** The message that tells so much. Its key is the same on every try and after every restart. */
export const messageOf = (thread: AlertThread, kind: AlertKind): AlertMessage => ({
  outage: thread.outage,
  kind,
  idempotencyKey: `${thread.outage.id}:${kind}`
})

/** A thread as it is stored. What the probe measured is left out: no alert tells it. */
const StoredThread = Schema.fromJsonString(Schema.Struct({
  state: Schema.Literals(["open", "resolved"]),
  delivered: Schema.Record(Schema.String, Schema.Literals(["opened", "updated", "resolved"])),
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
