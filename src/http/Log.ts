import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerRequest, ParsedSearchParams } from "effect/http/HttpServerRequest"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { EventLog } from "./EventLog.ts"
import { EventStreams } from "./EventStreams.ts"
import type { LogEvent } from "./LogEvent.ts"
import { refuse } from "./Refusal.ts"
import { readTime } from "./rfc3339.ts"
import * as Route from "./Route.ts"
import { serverSentEvent } from "./serverSentEvent.ts"

/** What `GET /api/log` is asked. */
export interface LogQuestion {
  readonly after: number
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly follow: boolean
}

/** Reads the question, or says all that is wrong with it. `last` is the header `Last-Event-ID`: where a browser goes on. */
export const readLogQuestion = (
  params: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
  last: string | undefined
): LogQuestion | string => {
  const problems: Array<string> = []
  const text = (name: string): string | undefined => {
    const value = params[name]
    if (typeof value !== "object") return value
    problems.push(`${name} is given more than once`)
    return undefined
  }
  const afterText = last ?? text("after") ?? "0"
  const after = /^\d{1,15}$/.test(afterText) ? Number(afterText) : Number.NaN
  // A browser cannot help what it has seen last.
  if (Number.isNaN(after) && last === undefined) problems.push("after is the id of an event, a whole number")
  const sinceText = text("since")
  const since = sinceText === undefined ? Number.NEGATIVE_INFINITY : readTime(sinceText)
  if (since === undefined) problems.push("since is a time, as 2026-11-21T18:00:00Z")
  const followText = text("follow") ?? "true"
  if (followText !== "true" && followText !== "false") problems.push("follow is either true or false")
  return problems.length > 0 || since === undefined
    ? problems.join("; ")
    : { after: Number.isNaN(after) ? 0 : after, since, follow: followText === "true" }
}

const written = (event: LogEvent): string => serverSentEvent(event._tag, JSON.stringify(event), event.id)

/**
 * `GET /api/log`: what happened in the cluster as this node saw it, as server-sent events: the last 500, and then what comes.
 * `?after=` (or `Last-Event-ID`) leaves out what was seen, `?since=` what is older than a time, `?follow=false` ends with the last.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | EventLog | EventStreams> = HttpRouter.use(
  Effect.fnUntraced(function*(router) {
    const log = yield* EventLog
    const streams = yield* EventStreams
    yield* Route.get(
      router,
      "/api/log",
      Effect.gen(function*() {
        const { headers } = yield* HttpServerRequest
        const question = readLogQuestion(yield* ParsedSearchParams, headers["last-event-id"])
        if (typeof question === "string") return refuse(400, question)
        const events = question.follow
          ? log.follow(question.after)
          : Stream.fromIterable(yield* log.since(question.after))
        return yield* streams.answer(
          events.pipe(Stream.filter(({ at }) => Date.parse(at) >= question.since), Stream.map(written))
        )
      })
    )
  })
)
