import * as Layer from "effect/Layer"
import { AnswerState } from "../dns/AnswerState.ts"
import { followResults } from "../status/followResults.ts"
import { MonitorResults } from "../status/MonitorResults.ts"
import { Shadow } from "../status/Shadow.ts"
import { Steering } from "../steering/Steering.ts"
import { Usage } from "../usage/Usage.ts"
import * as UsageAnswers from "../usage/UsageAnswers.ts"
import { broker } from "./broker.ts"
import { dnsServers } from "./dnsServers.ts"
import { follower } from "./follower.ts"
import { geo } from "./geo.ts"
import { node } from "./node.ts"
import { goodKeys } from "./pdns.ts"
import { dnsRoutes } from "./routes.ts"
import { sealing } from "./sealing.ts"
import { servers } from "./servers.ts"
import { ifShadow } from "./shadow.ts"
import { usedBy } from "./uses.ts"

/**
 * What answers DNS questions in a process with a store, short of a server: steering by the official status, and counting
 * straight into the store.
 */
export const answering = Layer.mergeAll(Steering.layer, Usage.layerStoring)

/** A DNS node: follows the decisions, and answers with the embedded server and PowerDNS. `Usage` says where it counts. */
export const dns = dnsServers.pipe(
  // One for all that answers, and for what explains the answers.
  Layer.provideMerge(AnswerState.layer),
  Layer.provideMerge(Steering.layer),
  Layer.provideMerge(follower)
)

/** The APIs of a DNS node. */
export const dnsApis = ["DnsApi", "MgmtApi"] as const

/** A DNS node as a process. `path` is the local document. */
export const dnsNode = (path: string) =>
  servers(dnsApis, dnsRoutes).pipe(
    // A shadow does not answer for what it counted: nobody was answered by it.
    Layer.provideMerge(ifShadow({ shadow: Shadow.layerFollowed, otherwise: UsageAnswers.layer })),
    Layer.provideMerge(dns),
    // In journals of its own: collators ask for what they hold.
    Layer.provideMerge(Usage.layer),
    // Before it answers: without a bus, a monitor tells what is decided.
    Layer.provideMerge(followResults),
    Layer.provideMerge(follower),
    Layer.provide(MonitorResults.layer),
    Layer.provideMerge(Layer.merge(broker, sealing("dns"))),
    // Before anything listens: with bad keys this is no start.
    Layer.provide(goodKeys),
    Layer.provideMerge(geo),
    Layer.provideMerge(
      node({
        path,
        role: "IBPDns",
        required: ["MembersConfig", "ServicesConfig"],
        uses: usedBy.dns
      })
    )
  )
