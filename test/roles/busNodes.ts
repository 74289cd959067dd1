import { Effect, Layer } from "effect"
import type { Bus } from "../../src/bus/Bus.ts"
import { Config } from "../../src/config/Config.ts"
import { Families } from "../../src/monitor/Families.ts"
import { hearAgents } from "../../src/monitor/hearAgents.ts"
import { Heartbeats } from "../../src/monitor/Heartbeats.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { follower } from "../../src/roles/follower.ts"
import { monitor } from "../../src/roles/monitor.ts"
import { answerDowntime } from "../../src/status/answerDowntime.ts"
import { SnapshotWait } from "../../src/status/Snapshots.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"
import { type Hit, Usage, UsageAnswers, UsageCollector } from "../../src/usage/index.ts"
import { rawCheck, rawMember, rawService } from "../monitor/documents.ts"
import { hit, place } from "../usage/collecting.ts"

/** Two members with a target each, checked every two seconds. */
const documents = {
  local: { Checks: [rawCheck({ Name: "http", CheckType: "endpoint", minimumInterval: 2 })] },
  members: {
    a: rawMember({ name: "Harbour", services: ["s"] }),
    b: rawMember({ name: "Lagoon", services: ["s"], ipv4: "192.0.2.2" })
  },
  services: { s: rawService({ urls: ["wss://rpc.example/s"] }) }
}

/** A node of its own on a bus of its own, as far as that is there for all roles. */
const partsOf = <E, R>(
  id: string,
  role: "IBPMonitor" | "IBPDns" | "IBPCollator",
  bus: Layer.Layer<Bus, E, R>,
  isShadow = false
) =>
  Layer.mergeAll(
    bus,
    NodeIdentity.layer({ id, role }),
    Config.layerMemory({
      ...documents,
      local: { ...documents.local, GeoDNS: { Consensus: { Shadow: isShadow } } }
    }),
    DurableFiles.layerMemory,
    AppendFiles.layerMemory,
    Conditions.layerMemory,
    Layer.succeed(SnapshotWait, 0)
  )

/** Everything of a monitor that talks on the bus, over the probes in context. */
export const busMonitor = <E, R>(id: string, bus: Layer.Layer<Bus, E, R>) =>
  Layer.merge(answerDowntime, hearAgents).pipe(
    Layer.provideMerge(monitor),
    Layer.provide([Probes.layerMemory, Families.layerMemory, Heartbeats.layerMemory]),
    Layer.provideMerge(partsOf(id, "IBPMonitor", bus)),
    Layer.fresh
  )

/** The shadow of a monitor. Its bus has to be a muted one. */
export const busShadow = <E, R>(id: string, bus: Layer.Layer<Bus, E, R>) =>
  monitor.pipe(
    Layer.provide([Probes.layerMemory, Families.layerMemory]),
    Layer.provideMerge(partsOf(id, "IBPMonitor", bus, true)),
    Layer.fresh
  )

/** Everything of a DNS node that talks on the bus. */
export const busDns = <E, R>(id: string, bus: Layer.Layer<Bus, E, R>) =>
  UsageAnswers.layer.pipe(
    Layer.provideMerge(Layer.merge(Usage.layer, follower)),
    Layer.provideMerge(partsOf(id, "IBPDns", bus)),
    Layer.fresh
  )

/** Everything of a collator that talks on the bus. */
export const busCollator = <E, R>(id: string, bus: Layer.Layer<Bus, E, R>) =>
  UsageCollector.layer.pipe(
    Layer.provideMerge(follower),
    Layer.provideMerge(Layer.merge(UsageStore.layerMemory, partsOf(id, "IBPCollator", bus))),
    Layer.fresh
  )

/** More than collators are told at one question. */
export const manyHits: ReadonlyArray<Hit> = Array.from(
  { length: 5_000 },
  (_, n) => hit("rpc.example", { place: { ...place, asn: `AS${n}`, network: `Example Net ${"x".repeat(60)}` } })
)

/** What is said on a bus and listened to by one of the nodes, in order. */
export interface Recorded {
  readonly publish: Set<string>
  readonly subscribe: Set<string>
}

/** A bus that records the subjects on which its node speaks and listens. Inboxes are one subject. */
export const recording = (bus: Bus["Service"], recorded: Recorded): Bus["Service"] => {
  const note = (set: Set<string>, subject: string) =>
    Effect.sync(() => void set.add(subject.startsWith("_INBOX.") ? "_INBOX.>" : subject))
  return {
    ...bus,
    publish: (subject, data, reply) =>
      Effect.andThen(note(recorded.publish, subject), bus.publish(subject, data, reply)),
    subscribe: (subject) => Effect.andThen(note(recorded.subscribe, subject), bus.subscribe(subject)),
    askAll: (subject, data, options) =>
      Effect.andThen(
        Effect.all([note(recorded.publish, subject), note(recorded.subscribe, "_INBOX.answer")]),
        bus.askAll(subject, data, options)
      )
  }
}
