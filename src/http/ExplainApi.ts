import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { askerOf } from "../dns/ClientSubnet.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { Steering } from "../steering/Steering.ts"
import { ExplainGroup } from "./Api.ts"
import type { ExplainAnswer } from "./ExplainAnswer.ts"
import { NotFound } from "./Refusal.ts"
import * as Route from "./Route.ts"

const ExplainOnly = HttpApi.make("geodns").add(ExplainGroup)

/** Who asks for what. `name` in the form of `hostName`. */
export interface Question {
  readonly name: string
  readonly address: string
  readonly ipv6: boolean
}

/** Explains which members a client is answered with. Fails when the name is not steered. */
export const explain = Effect.fn("ExplainApi.explain")(function*(
  { address, ipv6, name }: Question
): Effect.fn.Return<ExplainAnswer, NotFound, NodeIdentity | GeoIp | Steering> {
  const node = yield* NodeIdentity
  const geoIp = yield* GeoIp
  const steering = yield* Steering
  const { client, place } = askerOf(undefined, address, geoIp.locate)
  const explanation = steering.explain(name, ipv6, client)
  if (explanation === undefined) {
    const names = steering.names().size
    return yield* new NotFound({
      error: `${name} is not steered: no active service has a URL on it (${
        names === 1 ? "1 name is" : `${names} names are`
      } steered)`
    })
  }
  return {
    node: node.id,
    at: yield* Clock.currentTimeMillis,
    address,
    country: place.country,
    countryName: place.countryName,
    asn: place.asn,
    network: place.network,
    explanation
  }
})

const handlers = HttpApiBuilder.group(
  ExplainOnly,
  "explain",
  Effect.fnUntraced(function*(handlers) {
    const services = yield* Effect.context<NodeIdentity | GeoIp | Steering>()
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
 * `GET /api/explain?name=&client=&type=A|AAAA`: which members a client would be answered with, and why. The client is
 * taken as the DNS server would take it.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | NodeIdentity | GeoIp | Steering> = Layer.merge(
  HttpApiBuilder.layer(ExplainOnly).pipe(Layer.provide([handlers, HttpServer.layerServices])),
  HttpRouter.use((router) => Route.onlyGet(router, "/api/explain"))
)
