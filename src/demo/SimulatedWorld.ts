import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import { type Faults, MemoryBroker } from "../bus/MemoryBroker.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { keepAnswerState } from "../dns/AnswerState.ts"
import { decodeMessage, encodeMessage } from "../dns/dnsPacket.ts"
import { makeResponder } from "../dns/Responder.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { Families } from "../monitor/Families.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Probes } from "../monitor/Probes.ts"
import { ScriptedProbes } from "../monitor/ScriptedProbes.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { collator } from "../roles/collator.ts"
import { answering } from "../roles/dns.ts"
import { follower } from "../roles/follower.ts"
import { monitor } from "../roles/monitor.ts"
import { SnapshotWait } from "../status/Snapshots.ts"
import { OutageStore } from "../store/OutageStore.ts"
import * as Store from "../store/Store.ts"
import { UsageStore } from "../store/UsageStore.ts"
import { Usage } from "../usage/Usage.ts"
import { DemoError } from "./DemoError.ts"
import { demoName, localDocument, sharedDocuments } from "./documents.ts"
import { makeWorldEvents } from "./events.ts"
import { demoMembers, demoNetworks } from "./places.ts"
import { World } from "./World.ts"

const monitors = ["monitor-eu", "monitor-us", "monitor-as"]

/** What a node is made of besides its role, without files, sockets and chance of its own. */
const partsOf = (id: string, role: NodeRole) =>
  Layer.mergeAll(
    Bus.layerMemory({ name: id }),
    NodeIdentity.layerMemory({ id, role }),
    Config.layerMemory({
      local: localDocument({ nodeId: id, dnsListen: "127.0.0.1:0" }),
      ...sharedDocuments(18080)
    }),
    GeoIp.layerMemory(demoNetworks),
    Store.layerMemory,
    DurableFiles.layerMemory,
    AppendFiles.layerMemory,
    // They all start together: nobody knows more than another.
    Layer.succeed(SnapshotWait, 0),
    Conditions.layerMemory
  )

/** Answers one question as the DNS server does, without a socket. */
const makeAsk = Effect.gen(function*() {
  const state = yield* keepAnswerState
  const geo = yield* GeoIp
  const usage = yield* Usage
  const respond = makeResponder({
    zone: () => state().zones,
    choose: (name, ipv6, client) => state().steering.choose(name, ipv6, client),
    explain: () => undefined,
    challenge: () => undefined,
    locate: geo.locate,
    record: usage.record,
    tally: () => undefined
  })
  const question = encodeMessage({ type: "query", id: 1, questions: [{ name: demoName, type: "A", class: "IN" }] })
  return (client: string) =>
    Effect.try({
      try: () => {
        const response = respond(question, "udp", client)
        const answers = response === undefined ? [] : decodeMessage(response).answers ?? []
        return answers.flatMap((answer) => answer.type === "A" ? [answer.data] : [])
      },
      catch: (cause) => new DemoError({ message: `the answer cannot be read: ${String(cause)}` })
    })
})

/**
 * The demo's world in memory: the same services of the same roles, with scripted probes. On a `TestClock` and a seeded
 * `Random` a run can be repeated exactly, and minutes pass in milliseconds.
 */
export const layer = (faults: Partial<Faults>) =>
  Layer.effect(
    World,
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const probes = yield* ScriptedProbes
      const events = yield* makeWorldEvents
      yield* broker.setFaults(faults)

      for (const id of monitors) {
        const parts = yield* Layer.build(Layer.fresh(monitor.pipe(
          Layer.provide([Probes.layerMemory, Families.layerMemory]),
          Layer.provide(partsOf(id, "IBPMonitor"))
        )))
        yield* events.observations(id, Context.get(parts, Monitor))
        yield* events.consensus(id, Context.get(parts, Consensus))
      }
      const collating = yield* Layer.build(Layer.fresh(collator.pipe(
        Layer.provide(events.channel),
        Layer.provideMerge(partsOf("collator-1", "IBPCollator"))
      )))
      const dns = yield* Layer.build(Layer.fresh(answering.pipe(
        Layer.provideMerge(follower),
        Layer.provideMerge(partsOf("dns-1", "IBPDns"))
      )))
      yield* events.consensus("dns-1", Context.get(dns, Consensus))
      const ask = yield* Effect.provideContext(makeAsk, dns)

      const storeFailed = () => new DemoError({ message: "the store cannot be read" })
      return World.of({
        subscribe: events.subscribe,
        setHealthy: (key, healthy) => {
          const name = demoMembers.find((member) => member.key === key)?.name ?? key
          return probes.set({ member: name }, healthy ? { up: true } : { up: false, error: "HTTP status 503" })
        },
        ask,
        outages: Stream.runCollect(Context.get(collating, OutageStore).find({})).pipe(Effect.mapError(storeFailed)),
        usage: Effect.andThen(
          Context.get(dns, Usage).flush,
          Stream.runCollect(Context.get(dns, UsageStore).find({}))
        ).pipe(Effect.mapError(storeFailed))
      })
    })
  ).pipe(Layer.provide([MemoryBroker.layer, ScriptedProbes.layer]))
