import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { packageVersion } from "../node/packageVersion.ts"
import { Shadow } from "../status/Shadow.ts"
import { Steering } from "../steering/Steering.ts"
import { healthDocument } from "./HealthDocument.ts"
import { refuse } from "./Refusal.ts"
import * as Route from "./Route.ts"

/**
 * `GET /health`: what is degraded and since when. It answers 200 with `status: "degraded"` too: a degraded node still
 * checks and answers DNS, and whoever restarts or removes nodes by status code must leave it alone. `GET /ready`: 503
 * while this node cannot do its work, as a DNS node without a name to steer. `GET /live`: the process answers.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | NodeIdentity | Config | Conditions> = HttpRouter
  .use(
    Effect.fnUntraced(function*(router) {
      const node = yield* NodeIdentity
      const config = yield* Config
      const conditions = yield* Conditions
      const steering = yield* Effect.serviceOption(Steering)
      const consensus = yield* Effect.serviceOption(Consensus)
      const shadow = Option.isSome(yield* Effect.serviceOption(Shadow))
      const version = yield* packageVersion

      yield* Route.get(
        router,
        "/health",
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          return HttpServerResponse.jsonUnsafe(
            healthDocument(
              {
                ...node,
                shadow,
                version,
                consensus: Option.isSome(consensus) ? yield* consensus.value.state : undefined
              },
              yield* config.current,
              yield* conditions.current,
              now
            )
          )
        })
      )

      yield* Route.get(
        router,
        "/ready",
        Effect.sync(() =>
          Option.isSome(steering) && steering.value.names().size === 0
            ? refuse(503, "No name is steered: the services document has no active service with a URL")
            : HttpServerResponse.jsonUnsafe({ ready: true })
        )
      )

      yield* Route.get(router, "/live", Effect.succeed(HttpServerResponse.jsonUnsafe({ live: true })))
    })
  )
