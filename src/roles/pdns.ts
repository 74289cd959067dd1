import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import { PdnsBackend } from "../dns/pdns/PdnsBackend.ts"
import { pdnsConf } from "../dns/pdns/pdnsConf.ts"
import { readKeys } from "../dns/pdns/zoneKeyFiles.ts"
import { readListenAddress } from "../domain/ListenAddress.ts"
import { Place, placeOf } from "./Place.ts"

/** What answers PowerDNS, where the local document says; nothing when it does not. */
export const pdns = Layer.unwrap(Effect.map(Place, ({ file }) => PdnsBackend.layerWith({ file })))

/**
 * Reads the keys of zones, where PowerDNS is answered: bad ones fail the start before anything listens, below which this is to
 * be put. Whoever answers reads them again.
 */
export const goodKeys = Layer.effectDiscard(Effect.gen(function*() {
  const { file } = yield* Place
  const { Keys, PowerDnsHttp, PowerDnsSocket } = (yield* Config.use((config) => config.current)).local.GeoDNS.Dns
  if (PowerDnsSocket !== undefined || PowerDnsHttp !== undefined) yield* readKeys(Keys, file)
}))

/** The configuration of PowerDNS for the socket, or else the address, of a local document. Fails when it has neither. */
export const pdnsConfOf = (path: string) =>
  Effect.gen(function*() {
    const local = yield* readLocal(path)
    const { PowerDnsHttp, PowerDnsSocket } = local.GeoDNS.Dns
    const conf = pdnsConf({
      socket: PowerDnsSocket === undefined ? undefined : placeOf(path, local).file(PowerDnsSocket),
      http: PowerDnsHttp === undefined ? undefined : readListenAddress(PowerDnsHttp)
    })
    if (conf !== undefined) return conf
    return yield* Effect.fail({
      message: PowerDnsSocket === undefined
        ? `${path} does not say where PowerDNS is answered. Set GeoDNS.Dns.PowerDnsSocket, as /run/geodns/pdns.sock.`
        : `PowerDNS cannot be told ${PowerDnsSocket}: a comma separates its options. Set a path without one.`
    })
  }).pipe(Effect.provide(Documents.layer))
