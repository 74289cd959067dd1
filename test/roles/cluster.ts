import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AlertChannels } from "../../src/alerts/AlertChannel.ts"
import { MemoryChannel } from "../../src/alerts/MemoryChannel.ts"
import { Bus } from "../../src/bus/Bus.ts"
import { Config } from "../../src/config/Config.ts"
import { localDocument, sharedDocuments } from "../../src/demo/documents.ts"
import { demoMembers, demoNetworks } from "../../src/demo/places.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import type { NodeRole } from "../../src/domain/wire/Cluster.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { Families } from "../../src/monitor/Families.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { collator } from "../../src/roles/collator.ts"
import { answering } from "../../src/roles/dns.ts"
import { follower } from "../../src/roles/follower.ts"
import { monitor } from "../../src/roles/monitor.ts"
import { SnapshotWait } from "../../src/status/Snapshots.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import type { Stores } from "../../src/store/Store.ts"

/** What outlives a process: its files, and the database that it uses, alone or with others. */
export interface Disk {
  readonly files: Layer.Layer<DurableFiles>
  readonly stores: Layer.Layer<Stores>
}

/** A disk of a node, with a database that is there already. */
export const diskWith = (stores: Context.Context<Stores>) =>
  Effect.map(
    Layer.build(Layer.fresh(DurableFiles.layerMemory)),
    (files): Disk => ({ files: Layer.succeedContext(files), stores: Layer.succeedContext(stores) })
  )

const partsOf = (id: string, role: NodeRole, disk: Disk) =>
  Layer.mergeAll(
    Bus.layerMemory({ name: id }),
    NodeIdentity.layerMemory({ id, role }),
    Config.layerMemory({ local: localDocument({ nodeId: id, dnsListen: "127.0.0.1:0" }), ...sharedDocuments(18080) }),
    GeoIp.layerMemory(demoNetworks),
    disk.stores,
    disk.files,
    AppendFiles.layerMemory,
    Conditions.layerMemory,
    // The clock of a test stands still while a node starts.
    Layer.succeed(SnapshotWait, 0)
  )

/** Starts something that can be stopped before the scope closes. */
const starting = Effect.fnUntraced(function*<A, E, R>(layer: Layer.Layer<A, E, R>) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const parts = yield* Scope.provide(Layer.build(Layer.fresh(layer)), scope)
  return { parts, stop: Scope.close(scope, Exit.void) }
})

/** Starts a monitor over the probes in context. */
export const startMonitor = (id: string, disk: Disk) =>
  starting(monitor.pipe(
    Layer.provide([Probes.layerMemory, Families.layerMemory]),
    Layer.provideMerge(partsOf(id, "IBPMonitor", disk))
  ))

/** Starts a DNS node, without sockets. */
export const startDns = (id: string, disk: Disk) =>
  starting(answering.pipe(Layer.provideMerge(follower), Layer.provideMerge(partsOf(id, "IBPDns", disk))))

/** Starts a collator. It tells its alerts to a channel in memory. */
export const startCollator = Effect.fnUntraced(function*(id: string, disk: Disk) {
  const { parts, stop } = yield* starting(collator.pipe(
    Layer.provideMerge(AlertChannels.layerMemory),
    Layer.provideMerge(partsOf(id, "IBPCollator", disk))
  ))
  const channel = Context.get(parts, MemoryChannel)
  return {
    parts,
    stop,
    channel,
    /** What was told: `opened` and `resolved` with the id of the outage. */
    told: Effect.map(channel.messages, (messages) => messages.map(({ idempotencyKey }) => idempotencyKey))
  }
})

/** Three monitors, that share nothing. */
export const startMonitors = Effect.fnUntraced(function*(stores: Layer.Layer<Stores>) {
  for (const id of ["monitor-eu", "monitor-us", "monitor-as"]) {
    yield* startMonitor(id, { files: DurableFiles.layerMemory, stores })
  }
})

/** The first member of the demo. */
export const fuji = demoMembers[0]!

/** Lets a member fail or recover. */
export const setHealthy = Effect.fnUntraced(function*(healthy: boolean) {
  const probes = yield* ScriptedProbes
  yield* probes.set({ member: fuji.name }, healthy ? { up: true } : { up: false, error: "HTTP status 503" })
})

/** All outages of a store, in order of their start. */
export const outagesOf = (stores: Context.Context<Stores>) =>
  Effect.orDie(Stream.runCollect(Context.get(stores, OutageStore).find({})))

/** Lets virtual time pass, a tenth of a second at a time, until something holds. */
export const passUntil = <E, R>(what: string, holds: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function*() {
    for (let i = 0; i < 3_000; i++) {
      if (yield* holds) return
      yield* TestClock.adjust("100 millis")
    }
    return yield* Effect.die(new Error(`not within five minutes: ${what}`))
  })

/** An outage as short as a test wants to see it. */
export const brief = ({ end, id, target }: Outage) => ({ id, member: target.member, isOpen: end === undefined })
