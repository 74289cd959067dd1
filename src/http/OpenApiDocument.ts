import * as Effect from "effect/Effect"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import { Api } from "./Api.ts"
import * as Route from "./Route.ts"

/** `GET /api/openapi.json`: the JSON API of all roles together, for browsers and generators of clients. */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.use((router) =>
  Effect.suspend(() => {
    const document = JSON.stringify(OpenApi.fromApi(Api))
    return Route.get(
      router,
      "/api/openapi.json",
      Effect.succeed(HttpServerResponse.text(document, { contentType: "application/json" }))
    )
  })
)
