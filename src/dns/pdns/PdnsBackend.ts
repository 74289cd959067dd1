import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { resolve } from "node:path"
import { Config } from "../../config/Config.ts"
import { formatListenAddress, type ListenAddress, readListenAddress } from "../../domain/ListenAddress.ts"
import { GeoIp } from "../../geo/GeoIp.ts"
import { Conditions } from "../../node/Conditions.ts"
import type { DurableFiles } from "../../node/DurableFiles.ts"
import { Steering } from "../../steering/Steering.ts"
import { Usage } from "../../usage/Usage.ts"
import { AcmeChallenges } from "../AcmeChallenges.ts"
import { answerSources } from "../AnswerSources.ts"
import { AnswerState } from "../AnswerState.ts"
import { DnsServer } from "../DnsServer.ts"
import { domainName } from "../DomainName.ts"
import { openPlaces, type Place } from "../openPlaces.ts"
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

/** What is wrong with the zones of `GeoDNS.Dns.Keys`, whose answers PowerDNS signs; undefined when nothing is. */
const keyProblem = (
  keys: ReadonlyArray<string>,
  socket: string | undefined,
  zones: ReadonlyArray<string>
): string | undefined => {
  const some = (names: ReadonlyArray<string>) => names.slice(0, 5).join(", ")
  if (keys.length > 0 && socket === undefined) {
    return `GeoDNS.Dns.Keys has keys of ${some(keys)}, and nothing is signed: PowerDNS signs, and gets keys over ` +
      "GeoDNS.Dns.PowerDnsSocket alone, which is not set. Set it and restart, or take the keys out."
  }
  const unknown = zonesNotServed(keys, zones)
  return unknown.length === 0
    ? undefined
    : `GeoDNS.Dns.Keys has keys of ${some(unknown)}, which is no zone here. Correct the name, or take it out.`
}

const make = Effect.fnUntraced(function*(options: PdnsBackendOptions) {
  const { local } = yield* Config.use((config) => config.current)
  const { Keys, PowerDnsHttp, PowerDnsSocket } = local.GeoDNS.Dns
  const file = options.file ?? resolve
  const conditions = yield* Conditions
  const sources = yield* answerSources
  const signed = Object.keys(Keys).map((zone) => domainName(zone)?.text ?? zone)
  const problem = keyProblem(signed, PowerDnsSocket, sources.zone().zones)
  if (problem !== undefined) yield* conditions.raise("dns:keys", problem)
  if (PowerDnsSocket === undefined && PowerDnsHttp === undefined) {
    return PdnsBackend.of({ socket: undefined, http: undefined })
  }
  const endpoint = PowerDnsHttp === undefined ? undefined : readListenAddress(PowerDnsHttp)
  if (PowerDnsHttp !== undefined && endpoint === undefined) {
    return yield* new PdnsError({ reason: new BadHttp({ listen: PowerDnsHttp }) })
  }
  const keys = yield* readKeys(Keys, file)
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
  const places: Array<Place<string | ListenAddress, PdnsError>> = []
  if (PowerDnsSocket !== undefined) {
    const path = file(PowerDnsSocket)
    places.push({
      name: "powerdns-socket",
      open: serveUnixSocket({ path, handle: handler(keys), bounds, tally }).pipe(
        Effect.andThen(Effect.logInfo("PowerDNS is answered on a socket")),
        Effect.annotateLogs({ path, signed: signed.join(" ") || "none" }),
        Effect.as(path)
      )
    })
  }
  if (endpoint !== undefined) {
    places.push({
      name: "powerdns-http",
      // Whoever may open a connection would get them: private keys go over the socket alone.
      open: serveHttp({ endpoint, handle: handler(new Map()), bounds, tally }).pipe(
        Effect.map((port): ListenAddress => ({ host: endpoint.host, port })),
        Effect.tap((address) =>
          Effect.logInfo("PowerDNS is answered over HTTP").pipe(
            Effect.annotateLogs({ address: formatListenAddress(address) })
          )
        )
      )
    })
  }
  const embedded = yield* Effect.serviceOption(DnsServer)
  const opened = yield* openPlaces(places, Option.isSome(embedded) && embedded.value.isListening())
  const now = opened.map((each) => each())
  return PdnsBackend.of({
    socket: now.find((each) => typeof each === "string"),
    http: now.find((each) => typeof each === "object")
  })
})

/**
 * What answers the remote backend of PowerDNS, from the same zones, steering and places as the embedded server. It runs as
 * long as its layer; without `PowerDnsSocket` and `PowerDnsHttp` in `GeoDNS.Dns` it does nothing. Of the two, and a `DnsServer`
 * below it, one place to listen is enough: see `openPlaces`.
 */
export class PdnsBackend extends Context.Service<PdnsBackend, {
  /** The path of its socket, absolute; undefined when there is none, or it could not be had at the start. */
  readonly socket: string | undefined
  /** Where it listens for HTTP, in the same way, with the port that the system chose when 0 was asked for. */
  readonly http: ListenAddress | undefined
}>()("effect-geodns/dns/PdnsBackend") {
  /** With another meaning of relative paths, or other bounds. */
  static readonly layerWith = (
    options: PdnsBackendOptions
  ): Layer.Layer<PdnsBackend, PdnsError, Conditions | Config | DurableFiles | GeoIp | Steering | Usage> =>
    Layer.effect(PdnsBackend, make(options)).pipe(Layer.provide(AcmeChallenges.layer), Layer.provide(AnswerState.layer))

  /** As `GeoDNS.Dns` says at the start; a change of that needs a restart. */
  static readonly layer: Layer.Layer<
    PdnsBackend,
    PdnsError,
    Conditions | Config | DurableFiles | GeoIp | Steering | Usage
  > = PdnsBackend.layerWith({})
}
