import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AlertChannels } from "../alerts/AlertChannel.ts"
import { Bus } from "../bus/Bus.ts"
import { MemoryBroker } from "../bus/MemoryBroker.ts"
import { Config } from "../config/Config.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { DnsServer } from "../dns/DnsServer.ts"
import { isServed } from "../domain/Catalog.ts"
import type { Local } from "../domain/documents/Local.ts"
import type { Target } from "../domain/Target.ts"
import { layerServer, serve, type ServerOptions } from "../http/Server.ts"
import { Families } from "../monitor/Families.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Prober } from "../monitor/Prober.ts"
import { Probes } from "../monitor/Probes.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import { recording } from "./collator.ts"
import { answering } from "./dns.ts"
import { participating } from "./follower.ts"
import { node } from "./node.ts"
import { dnsRoutes } from "./routes.ts"

/** Where `standalone` listens when no API of the local document has a port. */
const defaultApi: ServerOptions = { host: "127.0.0.1", port: 6100 }

/** The addresses of the APIs of a local document, each once: one process answers on all of them. */
export const apiAddresses = (local: Local): ReadonlyArray<ServerOptions> => {
  const configured = [local.DnsApi, local.MonitorApi, local.CollatorApi].flatMap((api) =>
    api.ListenPort === null ? [] : [{ host: api.ListenAddress, port: api.ListenPort }]
  )
  const distinct = new Map(configured.map((address) => [`${address.host}:${address.port}`, address]))
  return distinct.size === 0 ? [defaultApi] : [...distinct.values()]
}

const servers = Layer.unwrap(Effect.gen(function*() {
  const { local } = yield* Config.use((config) => config.current)
  const listen = (address: ServerOptions) => serve(dnsRoutes).pipe(Layer.provide(layerServer(address)))
  const [first, ...others] = apiAddresses(local)
  return others.reduce((layers, address) => Layer.merge(layers, listen(address)), listen(first!))
}))

/** Nobody else decides here: a target whose check is not run any more is not known any more. */
const isChecked = ({ catalog, local }: Snapshot) => {
  const checks = new Set(
    local.Checks.filter(({ Enabled }) => Enabled).map(({ CheckType, Name }) => `${CheckType} ${Name}`)
  )
  return (target: Target) => checks.has(`${target.checkType} ${target.check}`) && isServed(catalog, target)
}

/**
 * Monitor, DNS node and collator in one process and as one node, which decides alone: the minimum of votes is 1 instead
 * of 2. `path` is the local document.
 */
export const standalone = (path: string) =>
  Layer.merge(servers, DnsServer.layer).pipe(
    // Below the servers: they show what is there.
    Layer.provideMerge(Layer.mergeAll(Monitor.layer, recording, answering)),
    Layer.provide(AlertChannels.layerLog),
    Layer.provideMerge(participating(Consensus.layerWith({ minimumVotes: 1 }))),
    Layer.provideMerge(Prober.layer),
    Layer.provide([Probes.layer, Families.layer, Bus.layerMemory({ name: "standalone" })]),
    Layer.provide(MemoryBroker.layer),
    Layer.provideMerge(Layer.succeed(KnownTargets, isChecked)),
    Layer.provideMerge(node({ path, role: "IBPMonitor", required: ["MembersConfig", "ServicesConfig"] }))
  )
