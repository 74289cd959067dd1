import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { resolve } from "node:path"
import { Config } from "../../config/Config.ts"
import { formatListenAddress, type ListenAddress, readListenAddress } from "../../domain/ListenAddress.ts"
import { GeoIp } from "../../geo/GeoIp.ts"
import { Conditions } from "../../node/Conditions.ts"
import type { DurableFiles } from "../../node/DurableFiles.ts"
import { Steering } from "../../steering/Steering.ts"
import { Usage } from "../../usage/Usage.ts"
import { answerSources } from "../AnswerSources.ts"
import { Challenges } from "../Challenges.ts"
import { ServedZones } from "../ServedZones.ts"
import { type PdnsBounds, pdnsBounds } from "./bounds.ts"
import { errorReply, type HandlePdns, makePdnsHandler } from "./handler.ts"
import { serveHttp } from "./httpServer.ts"
import { BadHttp, PdnsError } from "./PdnsError.ts"
import { makePdnsTally, type PdnsTally } from "./PdnsTally.ts"
import { serveUnixSocket } from "./unixSocket.ts"
import { readKeys, zonesNotServed } from "./zoneKeyFiles.ts"
import type { ZoneKey } from "./zoneKeys.ts"

/** What the configuration does not say. */
export interface PdnsBackendOptions {
  /** The absolute path of a file that the configuration names. Relative to where the process runs when missing. */
  readonly file?: (path: string) => string
  readonly bounds?: Partial<PdnsBounds>
}

/** An answer whatever happens: what throws is ours, and PowerDNS answers SERVFAIL. */
const safely = (handle: HandlePdns, tally: PdnsTally): HandlePdns => (request) => {
  try {
    return handle(request)
  } catch (defect) {
    tally.failed(defect)
    return errorReply("this could not be answered")
  }
}

const make = Effect.fnUntraced(function*(options: PdnsBackendOptions) {
  const { local } = yield* Config.use((config) => config.current)
  const { Keys, PowerDnsHttp, PowerDnsSocket } = local.GeoDNS.Dns
  const file = options.file ?? resolve
  if (PowerDnsSocket === undefined && PowerDnsHttp === undefined) {
    return PdnsBackend.of({ socket: undefined, http: undefined })
  }
  const endpoint = PowerDnsHttp === undefined ? undefined : readListenAddress(PowerDnsHttp)
  if (PowerDnsHttp !== undefined && endpoint === undefined) {
    return yield* new PdnsError({ reason: new BadHttp({ listen: PowerDnsHttp }) })
  }
  const sources = yield* answerSources
  const conditions = yield* Conditions
  const keys = yield* readKeys(Keys, file)
  const unknown = zonesNotServed(keys.keys(), sources.zone().zones)
  if (unknown.length > 0) {
    yield* conditions.raise(
      "dns:keys",
      `GeoDNS.Dns.Keys has keys of ${
        unknown.slice(0, 5).join(", ")
      }, which is no zone here. Correct the name, or take it out.`
    )
  }
  const tally = yield* makePdnsTally
  const bounds = { ...pdnsBounds, ...options.bounds }
  const handler = (keys: ReadonlyMap<string, ReadonlyArray<ZoneKey>>) =>
    safely(
      makePdnsHandler({
        ...sources,
        tally: (method) => tally.requested(method),
        keys
      }),
      tally
    )
  const socket = PowerDnsSocket === undefined ? undefined : file(PowerDnsSocket)
  if (socket !== undefined) yield* serveUnixSocket({ path: socket, handle: handler(keys), bounds, tally })
  let http: ListenAddress | undefined
  if (endpoint !== undefined) {
    // Whoever may open a connection would get them: private keys go over the socket alone.
    http = { host: endpoint.host, port: yield* serveHttp({ endpoint, handle: handler(new Map()), bounds, tally }) }
  }
  yield* Effect.logInfo("PowerDNS is answered").pipe(Effect.annotateLogs({
    socket: socket ?? "none",
    http: http === undefined ? "none" : formatListenAddress(http),
    signed: [...keys.keys()].join(" ") || "none"
  }))
  return PdnsBackend.of({ socket, http })
})

/**
 * What answers the remote backend of PowerDNS, from the same zones, steering and places as the embedded server. It runs as
 * long as its layer; without `PowerDnsSocket` and `PowerDnsHttp` in `GeoDNS.Dns` it does nothing.
 */
export class PdnsBackend extends Context.Service<PdnsBackend, {
  /** The path of its socket, absolute. */
  readonly socket: string | undefined
  /** Where it listens for HTTP, with the port that the system chose when 0 was asked for. */
  readonly http: ListenAddress | undefined
}>()("effect-geodns/dns/PdnsBackend") {
  /** With another meaning of relative paths, or other bounds. */
  static readonly layerWith = (
    options: PdnsBackendOptions
  ): Layer.Layer<PdnsBackend, PdnsError, Conditions | Config | DurableFiles | GeoIp | Steering | Usage> =>
    Layer.effect(PdnsBackend, make(options)).pipe(Layer.provide(Challenges.layer), Layer.provide(ServedZones.layer))

  /** As `GeoDNS.Dns` says at the start; a change of that needs a restart. */
  static readonly layer: Layer.Layer<
    PdnsBackend,
    PdnsError,
    Conditions | Config | DurableFiles | GeoIp | Steering | Usage
  > = PdnsBackend.layerWith({})
}
