import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { AnswerState } from "../dns/AnswerState.ts"
import { askerOf } from "../dns/ClientSubnet.ts"
import { explainAnswerInFull } from "../dns/explainAnswer.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { ExplainGroup } from "./Api.ts"
import type { ExplainAnswer } from "./ExplainAnswer.ts"
import * as Route from "./Route.ts"

const ExplainOnly = HttpApi.make("geodns").add(ExplainGroup)

/** Who asks for what. `name` in the form of `hostName`. */
export interface Question {
  readonly name: string
  readonly address: string
  readonly ipv6: boolean
}

/**
 * Explains how a client is answered: what the zones say, then which members are chosen, where they are. Any name has an
 * answer, if only that it does not exist.
 */
export const explain = Effect.fn("ExplainApi.explain")(function*(
  { address, ipv6, name }: Question
): Effect.fn.Return<ExplainAnswer, never, NodeIdentity | GeoIp | AnswerState> {
  const node = yield* NodeIdentity
  const geoIp = yield* GeoIp
  const { current } = yield* AnswerState
  const { client, place } = askerOf(undefined, address, geoIp.locate)
  const { steering, zone } = explainAnswerInFull(current(), name, ipv6, client)
  return {
    node: node.id,
    at: yield* Clock.currentTimeMillis,
    address,
    country: place.country,
    countryName: place.countryName,
    asn: place.asn,
    network: place.network,
    zone,
    explanation: steering
  }
})

const handlers = HttpApiBuilder.group(
  ExplainOnly,
  "explain",
  Effect.fnUntraced(function*(handlers) {
    const services = yield* Effect.context<NodeIdentity | GeoIp | AnswerState>()
    return handlers.handle(
      "explain",
      ({ query }) =>
        explain({ name: query.name, address: query.client, ipv6: query.type === "AAAA" }).pipe(
          Effect.provideContext(services)
        )
    )
  })
)

/**
 * `GET /api/explain?name=&client=&type=A|AAAA`: how a client would be answered, and why. The client is
 * taken as the DNS server would take it.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | NodeIdentity | GeoIp | AnswerState> = Layer.merge(
  HttpApiBuilder.layer(ExplainOnly).pipe(Layer.provide([handlers, HttpServer.layerServices])),
  HttpRouter.use((router) => Route.onlyGet(router, "/api/explain"))
)
