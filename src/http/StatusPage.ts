import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import { contentSecurityPolicy, page } from "./page/page.ts"
import * as Route from "./Route.ts"
import { Status } from "./Status.ts"

const headers = {
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY"
}

/** `GET /`: the status for people, as one HTML document that needs nothing else. It asks `/api/status` for what is new. */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | Status> = HttpRouter.use(
  Effect.fnUntraced(function*(router) {
    const { document } = yield* Status
    yield* Route.get(
      router,
      "/",
      Effect.map(document, (status) =>
        HttpServerResponse.text(page(status), {
          contentType: "text/html; charset=utf-8",
          headers
        }))
    )
  })
)
