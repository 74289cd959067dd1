import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { Bus } from "../bus/Bus.ts"
import { MemoryBroker } from "../bus/MemoryBroker.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { ask } from "../dns/DnsClient.ts"
import { DnsServer } from "../dns/DnsServer.ts"
import { Access } from "../http/Access.ts"
import { EventLog } from "../http/EventLog.ts"
import { layerServer, serve } from "../http/Server.ts"
import { Status } from "../http/Status.ts"
import { Families } from "../monitor/Families.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Probes } from "../monitor/Probes.ts"
import { collator } from "../roles/collator.ts"
import { dns } from "../roles/dns.ts"
import { geo } from "../roles/geo.ts"
import { monitor } from "../roles/monitor.ts"
import { node, type NodeOptions } from "../roles/node.ts"
import { dnsRoutes } from "../roles/routes.ts"
import { stores } from "../roles/stores.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { SnapshotWait } from "../status/Snapshots.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import { UsageStore } from "../store/UsageStore.ts"
import { Usage } from "../usage/Usage.ts"
import { DemoError } from "./DemoError.ts"
import { demoName } from "./documents.ts"
import { makeWorldEvents } from "./events.ts"
import { writeDemoFiles } from "./files.ts"
import { MemberServers } from "./MemberServers.ts"
import { World } from "./World.ts"

const monitors = ["monitor-eu", "monitor-us", "monitor-as"]
const dnsNode = "dns-1"
const collatorNode = "collator-1"

/** Where the demo can be reached. */
export class DemoAddresses extends Context.Service<DemoAddresses, {
  readonly dns: { readonly host: string; readonly port: number }
  /** The status page. */
  readonly http: string
  /** All files of the demo. */
  readonly directory: string
  /** The store of the collator. */
  readonly database: string
  readonly monitors: ReadonlyArray<string>
}>()("effect-geodns/demo/DemoAddresses") {}

/** Where the demo listens. Port 0 lets the system choose. */
export interface LiveWorldOptions {
  readonly dnsPort: number
  readonly httpPort: number
}

const storeFailed = (error: StoreError) => new DemoError({ message: `the store cannot be read: ${error.message}` })

/**
 * The demo's world with everything real but the bus: three monitors, a DNS node and a collator as nodes of their own, each
 * with its documents, files and SQLite in a temporary folder, and five members on loopback addresses.
 */
export const layer = (options: LiveWorldOptions) =>
  Layer.effectContext(Effect.gen(function*() {
    const members = yield* MemberServers
    const broker = Layer.succeed(MemoryBroker, yield* MemoryBroker)
    const events = yield* makeWorldEvents
    const files = yield* writeDemoFiles({
      nodes: [...monitors, dnsNode, collatorNode],
      memberPort: members.port,
      dnsListen: `127.0.0.1:${options.dnsPort}`
    })
    /** The parts of one node. Nothing is shared between two of them but the broker. */
    const partsOf = (id: string, role: NodeOptions["role"]) =>
      Layer.merge(
        node({ path: files.local(id), role, required: ["MembersConfig", "ServicesConfig"], uses: [] }),
        Layer.mergeAll(
          Bus.layerMemory({ name: id }).pipe(Layer.provide(broker)),
          // They all start together: nobody knows more than another.
          Layer.succeed(SnapshotWait, 0)
        )
      )

    for (const id of monitors) {
      const parts = yield* Layer.build(Layer.fresh(monitor.pipe(
        Layer.provide([Probes.layer, Families.layer]),
        Layer.provide(partsOf(id, "IBPMonitor"))
      )))
      yield* events.observations(id, Context.get(parts, Monitor))
      yield* events.consensus(id, Context.get(parts, Consensus))
    }
    const collating = yield* Layer.build(Layer.fresh(collator.pipe(
      Layer.provide(events.channel),
      Layer.provideMerge(stores),
      Layer.provideMerge(partsOf(collatorNode, "IBPCollator"))
    )))
    const answering = yield* Layer.build(Layer.fresh(dns.pipe(
      Layer.provideMerge(Usage.layerStoring),
      Layer.provideMerge(stores),
      Layer.provideMerge(geo),
      Layer.provideMerge(partsOf(dnsNode, "IBPDns"))
    )))
    yield* events.consensus(dnsNode, Context.get(answering, Consensus))

    // One page for the whole: what the DNS node knows, and the outages of the collator.
    const shown = Context.merge(answering, Context.pick(OutageLog, OutageStore)(collating))
    const web = yield* Layer.build(Layer.fresh(
      serve(dnsRoutes).pipe(
        Layer.provide([Status.layer, EventLog.layer]),
        Layer.provideMerge(layerServer({ host: "127.0.0.1", port: options.httpPort })),
        Layer.provide(Access.layer({ apis: ["DnsApi"] })),
        Layer.provide(Layer.succeedContext(shown))
      )
    ))

    const server = Context.get(answering, DnsServer)
    const outages = Context.get(collating, OutageStore)
    const usage = Context.get(answering, Usage)
    const counted = Context.get(answering, UsageStore)
    const world = World.of({
      subscribe: events.subscribe,
      setHealthy: members.setHealthy,
      ask: (client) =>
        ask({ server: server.host, port: server.port, name: demoName, type: "A", subnet: `${client}/32` }).pipe(
          Effect.map(({ answers }) => answers.map(({ data }) => data)),
          Effect.mapError((error) => new DemoError({ message: error.message }))
        ),
      outages: Stream.runCollect(outages.find({})).pipe(Effect.mapError(storeFailed)),
      usage: Effect.andThen(usage.flush, Stream.runCollect(counted.find({}))).pipe(Effect.mapError(storeFailed))
    })
    const { address } = Context.get(web, HttpServer.HttpServer)
    return Context.make(World, world).pipe(Context.add(
      DemoAddresses,
      DemoAddresses.of({
        dns: { host: server.host, port: server.port },
        http: `http://127.0.0.1:${"port" in address ? address.port : options.httpPort}/`,
        directory: files.directory,
        database: join(files.directory, collatorNode, "geodns.sqlite"),
        monitors
      })
    ))
  })).pipe(Layer.provide([MemberServers.layer, MemoryBroker.layer]))
