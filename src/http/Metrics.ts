import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import { Bus } from "../bus/Bus.ts"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { packageVersion } from "../node/packageVersion.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import { Shadow } from "../status/Shadow.ts"
import { processFamilies, watchEventLoop } from "./ProcessMetrics.ts"
import * as Route from "./Route.ts"
import {
  busFamilies,
  clusterFamilies,
  configFamilies,
  exposition,
  geoFamilies,
  officialFamilies,
  overrideFamilies,
  shadowFamilies
} from "./StateMetrics.ts"
import { textStream } from "./textStream.ts"

/**
 * `GET /metrics` for Prometheus: what all rooms count and measure, and the state of the services that this node has,
 * read at the time of the question.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.use(
  Effect.fnUntraced(function*(router) {
    const status = yield* Effect.serviceOption(OfficialStatus)
    const membership = yield* Effect.serviceOption(Membership)
    const consensus = yield* Effect.serviceOption(Consensus)
    const config = yield* Effect.serviceOption(Config)
    const geoIp = yield* Effect.serviceOption(GeoIp)
    const bus = yield* Effect.serviceOption(Bus)
    const overrides = yield* Effect.serviceOption(Overrides)
    const shadow = yield* Effect.serviceOption(Shadow)
    const node = yield* Effect.serviceOption(NodeIdentity)
    const lag = yield* watchEventLoop
    const version = yield* packageVersion
    const startedAt = Option.isSome(node) ? node.value.startedAt : yield* Clock.currentTimeMillis

    const families = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      return [
        ...Option.isNone(status) ? [] : officialFamilies([...(yield* status.value.all).values()]),
        ...Option.isNone(membership)
          ? []
          : clusterFamilies(
            yield* membership.value.nodes,
            // By a roster others vote than those that are heard.
            Option.isSome(consensus)
              ? (yield* consensus.value.state).electorate.size
              : (yield* membership.value.electorate).size
          ),
        ...Option.isNone(config) ? [] : configFamilies(yield* config.value.current, now),
        ...Option.isNone(geoIp) ? [] : geoFamilies(geoIp.value.databases, now),
        ...Option.isNone(bus) ? [] : busFamilies(yield* bus.value.connected),
        ...Option.isNone(overrides) ? [] : overrideFamilies(yield* overrides.value.list, now),
        ...Option.isNone(shadow) ? [] : shadowFamilies(yield* shadow.value.comparison),
        ...processFamilies(
          { version, startedAt, memory: process.memoryUsage(), cpu: process.cpuUsage(), lag: yield* lag },
          now
        )
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
