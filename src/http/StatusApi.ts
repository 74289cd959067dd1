import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { StatusGroup } from "./Api.ts"
import { EventStreams } from "./EventStreams.ts"
import * as Route from "./Route.ts"
import { serverSentEvent } from "./serverSentEvent.ts"
import { Status } from "./Status.ts"

const StatusOnly = HttpApi.make("geodns").add(StatusGroup)

const handlers = HttpApiBuilder.group(
  StatusOnly,
  "status",
  Effect.fnUntraced(function*(handlers) {
    const { json } = yield* Status
    return handlers.handleRaw(
      "status",
      () => Effect.map(json, (text) => HttpServerResponse.text(text, { contentType: "application/json" }))
    )
  })
)

/**
 * `GET /api/status`: one bounded document of all that this node knows. `GET /api/status/events`: the same as server-sent events
 * named `status`, now and whenever it changes.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | Status | EventStreams> = Layer.mergeAll(
  HttpApiBuilder.layer(StatusOnly).pipe(Layer.provide([handlers, HttpServer.layerServices])),
  HttpRouter.use((router) => Route.onlyGet(router, "/api/status")),
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const { changes } = yield* Status
    const streams = yield* EventStreams
    const events = Stream.map(changes, (json) => serverSentEvent("status", json))
    yield* Route.get(router, "/api/status/events", streams.answer(events))
  }))
)
