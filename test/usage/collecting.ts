import { Context, Effect, Exit, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import type { Place } from "../../src/geo/GeoIp.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { type Hit, Usage, UsageAnswers, UsageCollector } from "../../src/usage/index.ts"

export const place: Place = {
  location: undefined,
  country: "DE",
  countryName: "Germany",
  asn: "AS64500",
  network: "Example Net",
  prefix: 24
}
export const hit = (domain = "rpc.example", over: Partial<Hit> = {}): Hit => ({
  domain,
  member: "Potomac Works",
  place,
  ipv6: false,
  ...over
})

const starting = Effect.fnUntraced(function*<A, E, R>(layer: Layer.Layer<A, E, R>) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const parts = yield* Scope.provide(Layer.build(Layer.fresh(layer)), scope)
  return { parts, stop: Scope.close(scope, Exit.void) }
})

/** Everything of a node but its files and what it does. */
const nodeParts = (id: string, role: "IBPDns" | "IBPCollator") =>
  Membership.layer.pipe(Layer.provideMerge([
    // Each start has a boot id of its own, as it is.
    NodeIdentity.layer({ id, role }),
    Bus.layerMemory({ name: id }),
    Conditions.layerMemory
  ]))

/** A disk that outlives the processes on it. */
export const newDisk = Layer.build(Layer.fresh(AppendFiles.layerMemory))
/** The files of a collator. */
export const newFiles = Layer.build(Layer.fresh(DurableFiles.layerMemory))
export const newStore = Layer.build(Layer.fresh(UsageStore.layerMemory))

/** A DNS node that counts, and answers who asks; with a store, it stores too. */
export const startDns = Effect.fnUntraced(function*(
  id: string,
  disk: Context.Context<AppendFiles>,
  store?: Context.Context<UsageStore>
) {
  const node = yield* starting(UsageAnswers.layer.pipe(
    Layer.provideMerge(
      store === undefined ? Usage.layer : Usage.layerStoring.pipe(Layer.provide(Layer.succeedContext(store)))
    ),
    Layer.provideMerge(nodeParts(id, "IBPDns")),
    Layer.provide(Layer.succeedContext(disk))
  ))
  const usage = Context.get(node.parts, Usage)
  return { ...node, usage, record: (...hits: ReadonlyArray<Hit>) => hits.forEach(usage.record) }
})

/** A collator over a store and files that outlive it. */
export const startCollator = Effect.fnUntraced(function*(
  id: string,
  store: Context.Context<UsageStore>,
  files: Context.Context<DurableFiles>
) {
  const node = yield* starting(UsageCollector.layer.pipe(
    Layer.provideMerge(nodeParts(id, "IBPCollator")),
    Layer.provide([Layer.succeedContext(store), Layer.succeedContext(files)])
  ))
  const collector = Context.get(node.parts, UsageCollector)
  return {
    ...node,
    /** Day, node and state, in short. */
    completeness: Effect.map(collector.completeness, (all) => all.map((it) => `${it.day} ${it.node} ${it.state}`)),
    collector,
    conditions: Effect.map(Context.get(node.parts, Conditions).current, (all) => all.map(({ name }) => name))
  }
})

/** A client of the bus that speaks for a v2 node or asks as one. */
export const startClient = (name: string) =>
  Effect.map(Layer.build(Layer.fresh(Bus.layerMemory({ name }))), (parts) => Context.get(parts, Bus))

/** Hits of a store by day and node. */
export const hitsOf = (store: Context.Context<UsageStore>) =>
  Effect.map(Stream.runCollect(Context.get(store, UsageStore).find({})), (totals) => {
    const sums: Record<string, number> = {}
    for (const { day, hits, node } of totals) sums[`${day} ${node}`] = (sums[`${day} ${node}`] ?? 0) + hits
    return sums
  })

/** Lets virtual time pass in steps, so that nodes can talk between them. */
export const pass = (minutes: number) =>
  Effect.forEach(Array.from({ length: minutes * 12 }), () => TestClock.adjust("5 seconds"), { discard: true })

export const inCluster = <A, E>(effect: Effect.Effect<A, E, MemoryBroker | Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provide(MemoryBroker.layer))
