import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import { HttpBounds } from "./Bounds.ts"
import { clientOf } from "./ClientAddress.ts"
import { refuse } from "./Refusal.ts"

/** Emitted on the response of an exchange that may last: the server does not cut it for its length then. */
export const lasting = Symbol("effect-geodns/http/lasting")

/** How many streams one server has open at once, in all and for one client. */
export const limits = { all: 64, perClient: 8 }

/** How often something is said on a stream, so that both sides know that the other is there. */
const heartbeat = "15 seconds"

/** The open streams of server-sent events of one HTTP server. */
export class EventStreams extends Context.Service<EventStreams, {
  /**
   * Answers with a stream of events, each a text in the format of server-sent events. It may last for ever, with a comment
   * every 15 s. It is pulled: nothing is made that the reader has not room for, and a reader that takes nothing for
   * `bounds.idle` is cut. 503 when there are too many streams.
   */
  readonly answer: (
    events: Stream.Stream<string>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest>
  /** Ends all streams, and those that are asked for later at once. */
  readonly end: Effect.Effect<void>
}>()("effect-geodns/http/EventStreams") {
  /** Those of one server. */
  static readonly layer: Layer.Layer<EventStreams> = Layer.effect(
    EventStreams,
    Effect.gen(function*() {
      const bounds = yield* HttpBounds
      const context = yield* Effect.context()
      const ended = yield* Deferred.make<void>()
      const perClient = new Map<string, number>()
      let all = 0

      const count = (client: string, change: 1 | -1) => {
        all += change
        const left = (perClient.get(client) ?? 0) + change
        if (left === 0) perClient.delete(client)
        else perClient.set(client, left)
        open.updateUnsafe(all, context)
      }

      const answer = Effect.fnUntraced(function*(events: Stream.Stream<string>) {
        const request = yield* HttpServerRequest
        const client = clientOf(
          Option.getOrElse(request.remoteAddress, () => ""),
          request.headers["x-forwarded-for"]
        )
        const isFull = all >= limits.all
        if (isFull || (perClient.get(client) ?? 0) >= limits.perClient) {
          yield* Metric.update(refused, 1)
          return isFull
            ? refuse(503, `This node has ${limits.all} event streams open already; try again`, { "retry-after": "10" })
            : refuse(429, `You have ${limits.perClient} event streams open already; close one`, { "retry-after": "10" })
        }
        const response = NodeHttpServerRequest.toServerResponse(request) as ServerResponse
        response.emit(lasting)
        count(client, 1)
        response.once("close", () => count(client, -1))
        return HttpServerResponse.stream(
          watched(Stream.merge(events, beats, { haltStrategy: "left" }), response, bounds.idle).pipe(
            Stream.interruptWhen(Deferred.await(ended)),
            Stream.encodeText
          ),
          { contentType: "text/event-stream", headers: { "x-accel-buffering": "no" } }
        )
      })

      return EventStreams.of({ answer, end: Effect.asVoid(Deferred.succeed(ended, undefined)) })
    })
  )
}

const beats = Stream.tick(heartbeat).pipe(Stream.map(() => ": here\n\n"))

/** Cuts a response when what was pulled is not taken within `patience` milliseconds. */
const watched = <E>(
  events: Stream.Stream<string, E>,
  response: ServerResponse,
  patience: number
): Stream.Stream<string, E> =>
  Stream.transformPull(events, (pull) => {
    let timer: NodeJS.Timeout | undefined
    response.once("close", () => clearTimeout(timer))
    return Effect.succeed(Effect.suspend(() => {
      clearTimeout(timer)
      return Effect.tap(pull, () =>
        Effect.sync(() => {
          timer = setTimeout(() => response.destroy(), patience)
        }))
    }))
  })

const open = Metric.gauge("geodns_http_streams", { description: "Streams of server-sent events that are open" })

const refused = Metric.counter("geodns_http_streams_refused_total", {
  description: "Streams of server-sent events that were refused because there were too many",
  incremental: true
})
