import * as Layer from "effect/Layer"
import { AlertChannels } from "../alerts/AlertChannel.ts"
import { Bus } from "../bus/Bus.ts"
import { MemoryBroker } from "../bus/MemoryBroker.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { AnswerState } from "../dns/AnswerState.ts"
import { isServed } from "../domain/Catalog.ts"
import type { Target } from "../domain/Target.ts"
import { Families } from "../monitor/Families.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Prober } from "../monitor/Prober.ts"
import { Probes } from "../monitor/Probes.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import { recording } from "./collator.ts"
import { answering } from "./dns.ts"
import { dnsServers } from "./dnsServers.ts"
import { participating } from "./follower.ts"
import { geo } from "./geo.ts"
import { node } from "./node.ts"
import { goodKeys } from "./pdns.ts"
import { type ProbeOptions, standaloneIsDeaf, withoutAgents } from "./probing.ts"
import { dnsRoutes } from "./routes.ts"
import { sealing } from "./sealing.ts"
import { servers } from "./servers.ts"
import { stores } from "./stores.ts"
import { usedBy } from "./uses.ts"

/** The APIs of a standalone node: one process answers on all of them. */
export const standaloneApis = ["DnsApi", "MonitorApi", "CollatorApi", "MgmtApi"] as const

/** Nobody else decides here: a target whose check is not run any more is not known any more. */
const isChecked = ({ catalog, local }: Snapshot) => {
  const checks = new Set(
    local.Checks.filter(({ Enabled }) => Enabled).map(({ CheckType, Name }) => `${CheckType} ${Name}`)
  )
  return (target: Target) => checks.has(`${target.checkType} ${target.check}`) && isServed(catalog, target)
}

/**
 * Monitor, DNS node and collator in one process and as one node, which decides alone: the minimum of votes is 1 instead
 * of 2. It hears no agents. `path` is the local document.
 */
export const standalone = (path: string, { probes = Probes.layer }: ProbeOptions = {}) =>
  Layer.mergeAll(servers(standaloneApis, dnsRoutes), dnsServers).pipe(
    // One for all that answers, and for what explains the answers.
    Layer.provideMerge(AnswerState.layer),
    // Below the servers: they show what is there.
    Layer.provideMerge(Layer.mergeAll(Monitor.layer, recording, answering)),
    Layer.provide(AlertChannels.layer),
    Layer.provideMerge(participating(Consensus.layerWith({ minimumVotes: 1 }))),
    Layer.provideMerge(Prober.layer),
    Layer.provide([withoutAgents(probes, standaloneIsDeaf), Families.layer, Bus.layerMemory({ name: "standalone" })]),
    Layer.provide(MemoryBroker.layer),
    Layer.provideMerge(Layer.succeed(KnownTargets, isChecked)),
    Layer.provideMerge(Layer.merge(stores, sealing("standalone"))),
    // Before anything listens: with bad keys this is no start.
    Layer.provide(goodKeys),
    Layer.provideMerge(geo),
    Layer.provideMerge(
      node({
        path,
        role: "IBPMonitor",
        required: ["MembersConfig", "ServicesConfig"],
        uses: usedBy.standalone
      })
    )
  )
