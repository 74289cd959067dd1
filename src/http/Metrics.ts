import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import * as Route from "./Route.ts"
import { clusterFamilies, configFamilies, exposition, geoFamilies, officialFamilies } from "./StateMetrics.ts"
import { textStream } from "./textStream.ts"

/**
 * `GET /metrics` for Prometheus: what all rooms count and measure, and the state of the services that this node has,
 * read at the time of the question.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.use(
  Effect.fnUntraced(function*(router) {
    const status = yield* Effect.serviceOption(OfficialStatus)
    const membership = yield* Effect.serviceOption(Membership)
    const config = yield* Effect.serviceOption(Config)
    const geoIp = yield* Effect.serviceOption(GeoIp)

    const families = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      return [
        ...Option.isNone(status) ? [] : officialFamilies([...(yield* status.value.all).values()]),
        ...Option.isNone(membership)
          ? []
          : clusterFamilies(yield* membership.value.nodes, (yield* membership.value.electorate).size),
        ...Option.isNone(config) ? [] : configFamilies(yield* config.value.current, now),
        ...Option.isNone(geoIp) ? [] : geoFamilies(geoIp.value.databases, now)
      ]
    })

    yield* Route.get(
      router,
      "/metrics",
      Effect.gen(function*() {
        const counted = yield* PrometheusMetrics.format()
        const state = exposition(yield* families)
        return textStream(
          (function*() {
            yield counted
            yield* state
          })(),
          { contentType: "text/plain; version=0.0.4; charset=utf-8" }
        )
      })
    )
  })
)
