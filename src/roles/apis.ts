import type { Local } from "../domain/documents/Local.ts"
import { formatListenAddress, type ListenAddress } from "../domain/ListenAddress.ts"
import type { ApiName } from "../http/Access.ts"
import type { ServerOptions } from "../http/Server.ts"

/** Where a node listens, and the settings whose keys open it. */
export interface ApiAddress extends ServerOptions {
  readonly apis: ReadonlyArray<ApiName>
}

/** Where a role listens when its local document does not say: on loopback, each on a port of its own. */
const defaultPort = { DnsApi: 6100, MonitorApi: 6101, CollatorApi: 9000 }

/** The APIs of a role, the one that is never missing first. */
export type Apis = readonly [keyof typeof defaultPort, ...ReadonlyArray<ApiName>]

/**
 * Where a node that has these APIs listens, each address once: APIs with one address are one server. The first of `apis`
 * has an address also when the document gives none of them one; the management API has one only where the document says.
 */
export const apiAddresses = (local: Local, apis: Apis, file: (path: string) => string): ReadonlyArray<ApiAddress> => {
  const { Tls } = local.GeoDNS.Http
  const tls = Tls === undefined ? {} : { tls: { certFile: file(Tls.CertFile), keyFile: file(Tls.KeyFile) } }
  const named = apis.filter((api) => local[api].ListenPort !== null)
  const wanted = named.some((api) => api !== "MgmtApi") ? named : [apis[0], ...named]
  const byAddress = Map.groupBy(
    wanted.map((api) => ({
      api,
      host: local[api].ListenAddress,
      port: local[api].ListenPort ?? (api === "MgmtApi" ? 0 : defaultPort[api])
    })),
    formatListenAddress
  )
  return [...byAddress.values()].map((same) => ({
    host: same[0]!.host,
    port: same[0]!.port,
    apis: same.map(({ api }) => api),
    ...tls
  }))
}

const isEveryInterface = (host: string): boolean => host === "0.0.0.0" || host === "::"

/** Whether the system would let only one of the two listen at a time. */
export const wantSamePort = (one: ListenAddress, other: ListenAddress): boolean =>
  one.port !== 0 && one.port === other.port
  && (one.host === other.host || isEveryInterface(one.host) || isEveryInterface(other.host))
