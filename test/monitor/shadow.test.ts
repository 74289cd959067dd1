import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import { Consensus } from "../../src/consensus/Consensus.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Families } from "../../src/monitor/Families.ts"
import { Monitor } from "../../src/monitor/Monitor.ts"
import { opinions } from "../../src/monitor/opinions.ts"
import { Prober } from "../../src/monitor/Prober.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Shadow } from "../../src/status/Shadow.ts"
import { Snapshots } from "../../src/status/Snapshots.ts"
import { rawCheck, rawMember, rawService } from "./documents.ts"

const documents = (isShadow: boolean) => ({
  local: {
    Checks: [rawCheck({ Name: "http", CheckType: "endpoint" })],
    GeoDNS: { Consensus: { Shadow: isShadow } }
  },
  members: {
    a: rawMember({ name: "Harbour", services: ["s"] }),
    b: rawMember({ name: "Lagoon", services: ["s"], ipv4: "192.0.2.2" })
  },
  services: { s: rawService({ urls: ["wss://rpc.example/s"] }) }
})

/** A monitor as the role composes it, in shadow mode or not, over a bus client named as it. */
const monitor = (id: string, isShadow: boolean) => {
  const client = Bus.layerMemory({ name: id })
  const services = Monitor.layer.pipe(
    Layer.provideMerge(Layer.merge(Consensus.layer, Snapshots.layer)),
    Layer.provideMerge(Prober.layer),
    Layer.provideMerge(Layer.mergeAll(Membership.layerAnnouncing({ isShadow }), OfficialStatus.layer)),
    Layer.provideMerge(Overrides.layer),
    Layer.provide([Probes.layerMemory, Families.layerOf({ ipv4: "all", ipv6: "all" })])
  )
  return services.pipe(
    Layer.provideMerge(isShadow ? Layer.provide(Bus.layerMuted, client) : client),
    Layer.provide([NodeIdentity.layerMemory({ id, role: "IBPMonitor" }), DurableFiles.layerMemory]),
    Layer.provideMerge(Layer.mergeAll(Config.layerMemory(documents(isShadow)), Conditions.layerMemory)),
    Layer.fresh
  )
}

const shadowOf = (id: string) =>
  Shadow.layerObserved.pipe(Layer.provide(opinions), Layer.provideMerge(monitor(id, true)))

/** Lets seconds pass in small steps, as real time does. */
const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < 10 * seconds; i++) yield* TestClock.adjust(100)
})

const start = Effect.fnUntraced(function*<A, E, R>(layer: Layer.Layer<A, E, R>) {
  const building = yield* Effect.forkScoped(Layer.build(layer))
  yield* pass(3)
  return yield* Fiber.join(building)
})

describe("a monitor in shadow mode", () => {
  it.effect("beside a live cluster takes part in nothing, and shows where it would have differed", () =>
    Effect.gen(function*() {
      // What anybody on the bus could hear of the shadow.
      const ear = Context.get(yield* Layer.build(Bus.layerMemory({ name: "ear" })), Bus)
      const heard: Array<string> = []
      for (const subject of ["consensus.>", "geodns.>", "dns.>", "monitor.>", "_INBOX.>"]) {
        yield* (yield* ear.subscribe(subject)).pipe(
          Stream.runForEach(({ data, subject }) =>
            Effect.sync(() => {
              if (data.includes("monitor-shadow")) heard.push(`${subject} ${JSON.parse(data).Type}`)
            })
          ),
          Effect.forkScoped
        )
      }
      const cluster: Array<Context.Context<Monitor | Membership | OfficialStatus>> = []
      for (const id of ["monitor-1", "monitor-2", "monitor-3"]) cluster.push(yield* start(monitor(id, false)))
      yield* pass(60)

      const eyes = yield* Layer.build(Layer.fresh(ScriptedProbes.layer))
      const own = Context.get(eyes, ScriptedProbes)
      const services = yield* start(Layer.provide(shadowOf("monitor-shadow"), Layer.succeed(ScriptedProbes, own)))
      const shadow = Context.get(services, Shadow)
      const names = Effect.map(
        shadow.comparison,
        ({ differences }) => differences.map(({ here, target, there }) => ({ member: target.member, here, there }))
      )
      const condition = Effect.map(
        Context.get(services, Conditions).current,
        (all) => all.find(({ name }) => name === "shadow")?.detail
      )
      const electorates = Effect.forEach(
        [...cluster, services],
        (context) => Effect.map(Context.get(context, Membership).electorate, (set) => [...set].sort())
      )
      const three = ["monitor-1", "monitor-2", "monitor-3"]

      yield* pass(60)
      assert.deepStrictEqual(yield* names, [])
      const agreed = yield* shadow.comparison
      assert.deepInclude(agreed, { against: "the decisions on the bus", compared: 2, agreed: 2, problem: undefined })
      assert.strictEqual(
        yield* condition,
        "shadow mode: this node takes part in nothing. 0 of 2 targets differ from the decisions on the bus"
      )
      assert.deepStrictEqual(yield* electorates, [three, three, three, three])

      // Only the shadow sees it down.
      yield* own.set({ member: "Harbour" }, { up: false, error: "refused" })
      yield* pass(30)
      assert.deepStrictEqual(yield* names, [{ member: "Harbour", here: false, there: true }])
      assert.match((yield* condition)!, /0 of 2 targets differ/, "within the grace")
      yield* pass(40)
      assert.match((yield* condition)!, /1 of 2 targets differ from the decisions on the bus$/)
      const [official] = yield* Effect.forEach(cluster, (context) => Context.get(context, OfficialStatus).all)
      assert.isTrue([...official!.values()].every(({ up }) => up))

      // Now everybody does, and then nobody.
      const all = yield* ScriptedProbes
      yield* all.set({ member: "Harbour" }, { up: false, error: "refused" })
      yield* pass(60)
      assert.deepStrictEqual(yield* names, [])
      yield* Effect.all([all.unset({ member: "Harbour" }), own.unset({ member: "Harbour" })])
      yield* pass(60)
      assert.deepStrictEqual(yield* names, [])
      assert.match((yield* condition)!, /0 of 2 targets differ/)

      assert.deepStrictEqual(yield* electorates, [three, three, three, three])
      const voters = new Set(
        (yield* Effect.forEach(cluster, (context) => Context.get(context, OfficialStatus).all))
          .flatMap((all) => [...all.values()].flatMap(({ votes }) => Object.keys(votes)))
      )
      assert.deepStrictEqual([...voters].sort(), three)
      assert.isAbove(heard.length, 0, "it asked for the official status")
      assert.deepStrictEqual([...new Set(heard)], [`${Subject.Status.name} ask`])
    }).pipe(
      Effect.provide(Layer.mergeAll(MemoryBroker.layer, ScriptedProbes.layer)),
      Random.withSeed("shadow")
    ))

  it.effect("does not count a member that is out by hand, which nobody checks", () =>
    Effect.gen(function*() {
      const first = yield* start(monitor("monitor-1", false))
      yield* start(monitor("monitor-2", false))
      yield* pass(60)
      const services = yield* start(shadowOf("monitor-shadow"))
      const shadow = Context.get(services, Shadow)
      yield* pass(30)
      assert.deepInclude(yield* shadow.comparison, { compared: 2, agreed: 2 })
      const overrides = Context.get(first, Overrides)
      yield* overrides.add({ kind: "override", member: "Lagoon", reason: "moves house", author: "ann" })
      yield* pass(90)
      assert.deepInclude(yield* shadow.comparison, { compared: 1, agreed: 1, differences: [], problem: undefined })
      yield* overrides.end({ kind: "override", member: "Lagoon", reason: "", author: "ann" })
      yield* pass(90)
      assert.deepInclude(yield* shadow.comparison, { compared: 2, agreed: 2, differences: [] })
    }).pipe(
      Effect.provide(Layer.mergeAll(MemoryBroker.layer, ScriptedProbes.layer)),
      Random.withSeed("out by hand")
    ))

  it.effect("says that it cannot compare while it hears nobody", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const services = yield* start(shadowOf("monitor-shadow"))
      yield* broker.disconnect("monitor-shadow")
      yield* pass(15)
      const { at, problem } = yield* Context.get(services, Shadow).comparison
      assert.match(problem!, /^the bus is not connected/)
      assert.isDefined(at, "when it last could")
      assert.match(
        (yield* Context.get(services, Conditions).current).find(({ name }) => name === "shadow")!.detail,
        /^shadow mode: this node takes part in nothing\. It cannot compare with the decisions on the bus: the bus is not/
      )
    }).pipe(
      Effect.provide(Layer.mergeAll(MemoryBroker.layer, ScriptedProbes.layer)),
      Random.withSeed("alone")
    ))
})
