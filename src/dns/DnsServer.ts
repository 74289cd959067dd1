import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import type { RawDocuments } from "../config/memoryConfig.ts"
import type { MemoryDocuments } from "../config/MemoryDocuments.ts"
import { formatListenAddress } from "../domain/ListenAddress.ts"
import type { GeoEntry } from "../geo/GeoEntry.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import type { BadNetwork } from "../geo/MmdbWriter.ts"
import type { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { OfficialStatus } from "../status/OfficialStatus.ts"
import { Steering } from "../steering/Steering.ts"
import type { UsageStore } from "../store/UsageStore.ts"
import { Usage } from "../usage/Usage.ts"
import { AcmeChallenges } from "./AcmeChallenges.ts"
import { answerSources } from "./AnswerSources.ts"
import { AnswerState } from "./AnswerState.ts"
import type { DnsError } from "./DnsError.ts"
import { limitNotice } from "./limitNotice.ts"
import { openPlaces } from "./openPlaces.ts"
import { makeQueryTally } from "./QueryTally.ts"
import { makeResponder, serverFailure } from "./Responder.ts"
import { listen, parseEndpoint } from "./sockets.ts"
import { type TcpBounds, tcpBounds } from "./TcpConnection.ts"

/** What takes the place of `GeoDNS.Dns` in the configuration. */
export interface DnsServerOptions {
  /** `address:port`; port 0 lets the system choose one that is free for UDP and TCP. */
  readonly listen?: string
  readonly tcp?: boolean
  readonly bounds?: Partial<TcpBounds>
  /**
   * Whether this process answers PowerDNS, too, where `GeoDNS.Dns` says so. Then it is not for nothing when this server cannot
   * listen: that is a condition, and it goes on trying.
   */
  readonly besidePowerDns?: boolean
}

const make = Effect.fnUntraced(function*(options: DnsServerOptions) {
  const config = yield* Config
  const sources = yield* answerSources
  const settings = (yield* config.current).local.GeoDNS.Dns
  const endpoint = yield* parseEndpoint(options.listen ?? settings.Listen)
  const tally = yield* makeQueryTally
  const clock = yield* Clock.Clock
  const { current } = yield* AnswerState
  yield* limitNotice(() => tally.takeLimited())
  const respond = makeResponder({
    ...sources,
    tally: (type, rcode) => tally.answered(type, rcode),
    ignored: () => tally.dropped("ignored"),
    protection: {
      policy: () => current().policy,
      now: () => clock.currentTimeMillisUnsafe(),
      limited: (verdict, remote) => tally.limited(verdict, remote)
    }
  })
  const open = Effect.gen(function*() {
    const port = yield* listen({
      endpoint,
      tcp: options.tcp ?? settings.Tcp,
      bounds: { ...tcpBounds, ...options.bounds },
      handler: {
        answer: (message, transport, remote) => {
          try {
            return respond(message, transport, remote)
          } catch (defect) {
            tally.failed(defect)
            return serverFailure(message)
          }
        },
        drop: (reason) => tally.dropped(reason)
      }
    })
    yield* Effect.logInfo("DNS server listens").pipe(
      Effect.annotateLogs({
        address: formatListenAddress({ host: endpoint.host, port }),
        zones: sources.zone().zones.join(" ")
      })
    )
    return port
  })
  const answersPowerDns = settings.PowerDnsSocket !== undefined || settings.PowerDnsHttp !== undefined
  const [opened] = yield* openPlaces(
    [{ name: "server", open }],
    options.besidePowerDns === true && answersPowerDns
  )
  const port = opened!()
  return DnsServer.of({
    host: endpoint.host,
    port: port ?? endpoint.port,
    isListening: () => opened!() !== undefined
  })
})

/** The embedded authoritative server, over UDP and TCP. It runs as long as its layer. */
export class DnsServer extends Context.Service<DnsServer, {
  /** Where it listens, or will, with the port that the system chose when 0 was asked for. */
  readonly host: string
  readonly port: number
  /** Whether it listens. False only beside PowerDNS, while the place cannot be had: the condition `dns:listen:server`. */
  readonly isListening: () => boolean
}>()("effect-geodns/dns/DnsServer") {
  /** The server over zones and challenges from wherever they come. */
  static readonly layerZones = (
    options: DnsServerOptions
  ): Layer.Layer<DnsServer, DnsError, AcmeChallenges | AnswerState | Conditions | Config | GeoIp | Usage> =>
    Layer.effect(DnsServer, make(options))

  /** The server with another place to listen, or other bounds, than `GeoDNS.Dns` says. */
  static readonly layerWith = (
    options: DnsServerOptions
  ): Layer.Layer<DnsServer, DnsError, Conditions | Config | DurableFiles | GeoIp | Steering | Usage> =>
    DnsServer.layerZones(options).pipe(Layer.provide(AcmeChallenges.layer), Layer.provide(AnswerState.layer))

  /**
   * Listens where `GeoDNS.Dns` says; a change of that needs a restart. Zones follow the configuration. Before it stops,
   * it answers what it has read, and lets clients over TCP take their answers.
   */
  static readonly layer: Layer.Layer<
    DnsServer,
    DnsError,
    Conditions | Config | DurableFiles | GeoIp | Steering | Usage
  > = DnsServer.layerWith({})

  /**
   * A server on a free port of the loopback over everything in memory: documents and official status that tests can
   * change, a GeoIP database of these entries, usage that they can read.
   */
  static readonly layerMemory = (
    documents: RawDocuments = {},
    networks: ReadonlyArray<GeoEntry> = []
  ): Layer.Layer<
    | Conditions
    | Config
    | DnsServer
    | DurableFiles
    | GeoIp
    | MemoryDocuments
    | OfficialStatus
    | Steering
    | Usage
    | UsageStore,
    BadNetwork | ConfigError | DnsError
  > =>
    DnsServer.layerZones({ listen: "127.0.0.1:0" }).pipe(
      Layer.provide(AcmeChallenges.layerMemory()),
      Layer.provide(AnswerState.layer),
      Layer.provideMerge([
        Steering.layerMemory(documents),
        GeoIp.layerMemory(networks),
        Usage.layerMemory,
        DurableFiles.layerMemory
      ]),
      Layer.provide(NodeIdentity.layerMemory({ id: "dns", role: "IBPDns" }))
    )
}
