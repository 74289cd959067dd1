import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerError from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { Access, type Admission } from "./Access.ts"
import type { Bounds } from "./Bounds.ts"
import { Caller } from "./Caller.ts"
import { pathOf, type RefusalReason } from "./judge.ts"
import { refuse } from "./Refusal.ts"
import type { ServedPaths } from "./ServedPaths.ts"

const requests = Metric.counter("geodns_http_requests_total", {
  description: "HTTP requests answered, by class of status",
  incremental: true
})

const byClass = ["1xx", "2xx", "3xx", "4xx", "5xx"].map((status) => Metric.withAttributes(requests, { status }))

/** Answers are for the one who asked, now, and are what their type says. A route's own headers win. */
const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const asks = (error: HttpApiError.HttpApiSchemaError): boolean =>
  error.kind !== "Body" && error.kind !== "ResponseHeaders"

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** All that is wrong with a question: `client: Expected an IP address …; name: Missing key`. */
const problemsOf = ({ issue }: Schema.SchemaError): string =>
  formatIssue(issue).issues
    .map(({ message, path }) => [...path?.map(String) ?? [], message].join(": "))
    .join("; ")
    .slice(0, 1000)

/** Refusals that say which key would open a route. */
const wantsKey: ReadonlySet<RefusalReason> = new Set(["no-key", "no-keys-configured"])

const nothingAt = (path: string) => refuse(404, `Nothing is served at ${path} on this node`)

/** What went wrong as an answer: the fault of the question with its reason, ours without, but logged. */
const answerTo = Effect.fnUntraced(function*(cause: Cause.Cause<unknown>) {
  const error = Cause.squash(cause)
  if (HttpServerError.isHttpServerError(error)) {
    switch (error.reason._tag) {
      case "RouteNotFound": {
        return nothingAt(pathOf(error.request.url))
      }
      case "RequestParseError":
        return error.reason.reason === "BodyTooLarge"
          ? refuse(413, "The body is too long")
          : refuse(400, "The request cannot be read")
    }
  }
  if (HttpApiError.HttpApiSchemaError.is(error) && asks(error)) {
    return refuse(400, problemsOf(error.cause))
  }
  yield* Effect.logError("An HTTP request failed", cause)
  return refuse(500, "Internal error: the log of this node says more")
})

const refusal = ({ error, retryAfter, status }: Admission & { readonly _tag: "Refused" }) =>
  refuse(status, error, {
    ...status === 401 && { "www-authenticate": "Bearer" },
    ...retryAfter !== undefined && { "retry-after": String(Math.ceil(retryAfter / 1000)) }
  })

/**
 * What every request passes, before a route is looked for, and every answer after it: bounds, who may ask what and how
 * often, a deadline, errors as `{"error": "…"}`, and the headers that all answers have. Nothing else stands between a
 * client and every route.
 */
export const guard = <R>(
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, R>,
  { access, bounds, paths }: {
    readonly bounds: Bounds
    readonly access: Access["Service"]
    readonly paths: ServedPaths
  }
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | HttpServerRequest> => {
  const answer = app.pipe(
    Effect.timeoutOrElse({
      duration: bounds.handler,
      orElse: () => Effect.succeed(refuse(503, "This node is too busy to answer; try again", { "retry-after": "5" }))
    }),
    // The server runs us where nothing can be interrupted: then neither its end nor a client that left would end this.
    Effect.interruptible,
    Effect.catchCause((cause) => Cause.hasInterruptsOnly(cause) ? Effect.interrupt : answerTo(cause)),
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(bounds.bodyBytes))
  )
  const admitted = Effect.fnUntraced(function*(request: HttpServerRequest) {
    const admission = yield* access.admit(request)
    if (admission._tag === "Refused") {
      const path = pathOf(request.url)
      // A key would not help.
      return wantsKey.has(admission.reason) && paths.lacks(path) ? nothingAt(path) : refusal(admission)
    }
    return yield* Effect.provideService(answer, Caller, admission.caller)
  })
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest
    const response = request.url.length > bounds.urlBytes
      ? refuse(414, `The URL is longer than ${bounds.urlBytes} bytes`)
      : Number(request.headers["content-length"] ?? 0) > bounds.bodyBytes
      ? refuse(413, `The body is longer than ${bounds.bodyBytes} bytes`, { connection: "close" })
      : yield* admitted(request)
    const counter = byClass[Math.floor(response.status / 100) - 1]
    if (counter !== undefined) yield* Metric.update(counter, 1)
    return HttpServerResponse.setHeaders(response, { ...headers, ...response.headers })
  })
}
