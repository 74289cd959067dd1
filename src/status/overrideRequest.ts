import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Override } from "../domain/Override.ts"
import { maxAuthor, maxReason, OverrideRecord, toOverrideRecord } from "../domain/wire/Override.ts"
import type { EndRequest, OverrideRequest } from "./Overrides.ts"

/** Text as it is kept: one line, without control characters and halves of characters. */
const oneLine = (text: string): string => text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim()

const textProblem = (name: string, text: string, max: number): string | undefined =>
  text.length > max ? `the ${name} has ${text.length} characters, at most ${max} are kept` : undefined

/** The last time that can be written. */
const lastTime = Date.parse("9999-12-31T23:59:59.999Z")

const isTime = (millis: number): boolean => Number.isFinite(millis) && millis >= 0 && millis <= lastTime

const timeText = (millis: number): string => new Date(millis).toISOString()

const isRecord = Schema.is(OverrideRecord)

/** The override that a request asks for, or what is wrong with it. `member` is `Details.Name`. */
export const newOverride = (
  request: OverrideRequest,
  context: { readonly id: string; readonly member: string; readonly node: string; readonly now: number }
): Result.Result<Override, string> => {
  const { now } = context
  const reason = oneLine(request.reason)
  const author = oneLine(request.author)
  if (reason === "") return Result.fail("give a reason: others have to know why the member is out")
  if (author === "") return Result.fail("say who takes the member out")
  const tooLong = textProblem("reason", reason, maxReason) ?? textProblem("author", author, maxAuthor)
  if (tooLong !== undefined) return Result.fail(tooLong)
  if (!isTime(request.from ?? now)) return Result.fail("the beginning is no time that can be")
  if (!isTime(request.until ?? now)) return Result.fail("the end is no time that can be")
  const from = Math.max(now, Math.trunc(request.from ?? now))
  const until = request.until === undefined ? undefined : Math.trunc(request.until)
  if (until !== undefined && until <= now) {
    return Result.fail(`the end ${timeText(until)} is past: it is ${timeText(now)}`)
  }
  if (until !== undefined && until <= from) {
    return Result.fail(`the end ${timeText(until)} is not after the beginning ${timeText(from)}`)
  }
  const { id, member, node } = context
  const override: Override = {
    id,
    kind: request.kind,
    member,
    reason,
    author,
    node,
    at: now,
    from,
    until,
    ended: undefined
  }
  return isRecord(toOverrideRecord(override))
    ? Result.succeed(override)
    : Result.fail("the names of the member and of this node must be one line of at most 256 characters")
}

/** The end that a request asks for, or what is wrong with it. */
export const newEnd = (request: EndRequest, now: number): Result.Result<NonNullable<Override["ended"]>, string> => {
  const reason = oneLine(request.reason)
  const by = oneLine(request.author)
  if (by === "") return Result.fail("say who ends it")
  const tooLong = textProblem("reason", reason, maxReason) ?? textProblem("author", by, maxAuthor)
  return tooLong === undefined ? Result.succeed({ at: now, by, reason }) : Result.fail(tooLong)
}
