import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { validateHeaderName, validateHeaderValue } from "node:http"
import type { SecureContext } from "node:tls"
import { monotonicMillis } from "../monotonic.ts"
import { AllowUntrusted, ConnectTimeout, connectWithin, optionNames, readOptions } from "../options.ts"
import { makeMatcher, type Matcher } from "../pattern.ts"
import { type Probe, probeKinds, type ProbeResult, type RunProbe } from "../Probe.ts"
import { step } from "../ProbeTrace.ts"
import { type Answer, askHttp } from "./askHttp.ts"
import { dial, outOf, resultOf, type Trouble, trouble } from "./dial.ts"

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])
const Status = Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 }))
const StatusRange = Schema.String.check(
  Schema.isPattern(/^[1-5]\d\d(-[1-5]\d\d)?$/, { expected: "a status or 200-399" })
)

const Options = Schema.Struct({
  ConnectTimeout,
  AllowUntrusted,
  Method: Schema.optionalKey(Schema.Literals(["GET", "HEAD", "POST", "PUT", "OPTIONS"])),
  Headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  Body: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(65_536))),
  /** A status, a range `200-399` (the default), or a list of these. */
  ExpectedStatus: Schema.optionalKey(
    Schema.Union([Status, StatusRange, Schema.Array(Schema.Union([Status, StatusRange]))])
  ),
  /** A regular expression that the body must match. */
  BodyRegex: Schema.optionalKey(Schema.String),
  /** A value that the body, of at most 64 KiB, must have as JSON: keys and indexes joined by dots. */
  BodyJson: Schema.optionalKey(Schema.Struct({ Path: Schema.String, Equals: Scalar })),
  /** Milliseconds from the start to the end of the answer. */
  MaxLatency: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
  /** Bytes of the body; 1 MiB when missing. */
  MaxBody: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 16 * 2 ** 20 })))
})
type Options = typeof Options.Type

/** Bytes that are read as JSON: nothing may hold up the event loop for longer than that takes. */
const maxJson = 65_536

/**
 * Succeeds when the member gives the expected answer to an HTTP request for the URL (`ws` is asked as `http`, `wss` as
 * `https`). Redirects are not followed. Data: `StatusCode`, `LatencyMs`, `BodyBytes`.
 */
export const makeHttp = (context: SecureContext): Probe => ({
  ...probeKinds.http,
  options: optionNames(Options),
  prepare: (raw) => {
    const read = readOptions(Options, raw)
    const matcher = matcherOf(raw["BodyRegex"])
    const problems = [
      ...Result.isFailure(read) ? read.failure : [],
      ...headerProblems(raw["Headers"]),
      ...Result.isFailure(matcher) ? matcher.failure : []
    ]
    return Result.isSuccess(read) && Result.isSuccess(matcher) && problems.length === 0
      ? Result.succeed(prepare(read.success, matcher.success, context))
      : Result.fail(problems)
  }
})

/** Headers that HTTP does not allow. What is no text is for the schema to say. */
const headerProblems = (headers: unknown): ReadonlyArray<string> =>
  typeof headers !== "object" || headers === null ? [] : Object.entries(headers).flatMap(([name, value]) => {
    if (typeof value !== "string") return []
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
      return []
    } catch {
      return [`a header that HTTP does not allow at ["Headers"]["${name}"]`]
    }
  })

const matcherOf = (regex: unknown): Result.Result<Matcher | undefined, ReadonlyArray<string>> =>
  typeof regex !== "string"
    ? Result.succeed(undefined)
    : Result.mapError(makeMatcher(regex), (problem) => [`${problem} at ["BodyRegex"]`])

const prepare = (options: Options, matcher: Matcher | undefined, context: SecureContext): RunProbe => {
  const isExpected = expectation(options.ExpectedStatus ?? "200-399")
  const tls = { context, allowUntrusted: options.AllowUntrusted ?? false }
  const question = {
    method: options.Method ?? "GET",
    headers: options.Headers ?? {},
    body: options.Body,
    limit: options.MaxBody ?? 2 ** 20
  }

  const judge = ({ body, bytes, status }: Answer, latency: number): Trouble | undefined => {
    if (!isExpected(status)) return trouble(`status ${status}`)
    if (matcher !== undefined) {
      const matches = matcher(body)
      if (matches === "starved") return outOf("no processor for BodyRegex")
      if (matches === "too slow") return trouble("the body could not be matched with BodyRegex in time")
      if (!matches) return trouble("the body does not match BodyRegex")
    }
    if (options.BodyJson !== undefined) {
      if (bytes > maxJson) return trouble(`the body is longer than ${maxJson} bytes: too long for BodyJson`)
      const value = jsonAt(body, options.BodyJson.Path)
      if (Result.isFailure(value)) return trouble(value.failure)
      if (value.success !== options.BodyJson.Equals) {
        return trouble(`${options.BodyJson.Path} in the body is not as expected`)
      }
    }
    return latency <= (options.MaxLatency ?? Infinity) ? undefined : trouble(`slower than ${options.MaxLatency} ms`)
  }

  const keepBody = matcher !== undefined || options.BodyJson !== undefined
  return (planned) =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const start = monotonicMillis(clock)
      const url = new URL(planned.url)
      const socket = yield* dial(planned, url, connectWithin(options, planned.check.timeout), tls)
      const answer = yield* step("request", askHttp(socket, url, { ...question, keepBody }))
      const latency = monotonicMillis(clock) - start
      const data = { StatusCode: answer.status, LatencyMs: latency, BodyBytes: answer.bytes }
      return { up: true, error: "", ...judge(answer, latency), data } satisfies ProbeResult
    }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem)))
}

const expectation = (expected: NonNullable<Options["ExpectedStatus"]>): (status: number) => boolean => {
  const ranges = [expected].flat().map((one) => String(one).split("-").map(Number))
  return (status) => ranges.some(([low, high]) => status >= low! && status <= (high ?? low!))
}

/** The value at a path of a JSON text, own keys only. */
const jsonAt = (text: string, path: string): Result.Result<unknown, string> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Result.fail("the body is no JSON")
  }
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) {
      return Result.fail(`${path} is not in the body`)
    }
    value = (value as Record<string, unknown>)[key]
  }
  return Result.succeed(value)
}
