import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Config } from "../../src/config/Config.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { Contested } from "../../src/status/Contested.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Steering } from "../../src/steering/Steering.ts"
import { client, membersOf, rpc, servicesOf } from "../steering/world.ts"
import { seeded } from "./seeded.ts"

const members = ["Amber", "Birch", "Cedar", "Dune", "Elm"]
const documents = {
  members: membersOf(Object.fromEntries(members.map((name) => [name, {}]))),
  services: servicesOf({ Main: {} }),
  local: {
    GeoDNS: { Steering: { RecordsPerAnswer: members.length } },
    MgmtApi: { AuthKeys: { operator: "the key of an operator" } }
  }
}
const ids = ["dns-1", "dns-2", "dns-3", "monitor-1", "collator-1"]

/** A process over files that outlive it: the real overrides and the real steering. */
const boot = Effect.fnUntraced(function*(id: string, files: Context.Context<DurableFiles>) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const parts = yield* Scope.provide(
    Layer.build(Layer.fresh(
      Steering.layer.pipe(
        Layer.provideMerge(Layer.mergeAll(Overrides.layer, OfficialStatus.layer)),
        Layer.provide([
          NodeIdentity.layerMemory({ id, role: "IBPDns" }),
          Bus.layerMemory({ name: id }),
          Conditions.layerMemory,
          Contested.layer,
          Config.layerMemory(documents),
          Layer.succeedContext(files)
        ])
      )
    )),
    scope
  )
  return { parts, stop: Scope.close(scope, Exit.void) }
})

const start = Effect.fnUntraced(function*(id: string) {
  const files = yield* Layer.build(Layer.fresh(DurableFiles.layerMemory))
  let process = yield* boot(id, files)
  const overrides = () => Context.get(process.parts, Overrides)
  return {
    id,
    stop: Effect.suspend(() => process.stop),
    start: Effect.map(boot(id, files), (next) => {
      process = next
    }),
    take: (member: string, kind: "override" | "maintenance" = "override") =>
      Effect.orDie(Effect.suspend(() => overrides().add({ kind, member, reason: `by ${id}`, author: "ann" }))),
    end: (member: string) =>
      Effect.exit(
        Effect.suspend(() => overrides().end({ kind: "override", member, reason: `by ${id}`, author: "ann" }))
      ),
    all: Effect.suspend(() => overrides().list),
    /** Who is missing in the answers, by both families. */
    out: Effect.sync(() => {
      const steering = Context.get(process.parts, Steering)
      const answers = [false, true].map((ipv6) => steering.choose(rpc, ipv6, client())?.members ?? [])
      assert.sameMembers([...answers[0]!], [...answers[1]!], id)
      return members.filter((member) => !answers[0]!.includes(member))
    })
  }
})
type Node = Effect.Success<ReturnType<typeof start>>

const startAll = Effect.forEach(ids, start)
const outOf = (nodes: ReadonlyArray<Node>) => Effect.forEach(nodes, ({ out }) => out)
const same = <A>(nodes: ReadonlyArray<Node>, value: A) => nodes.map(() => value)
/** What all nodes know, when they know the same. */
const agreed = Effect.fnUntraced(function*(nodes: ReadonlyArray<Node>) {
  const [first, ...others] = yield* Effect.forEach(nodes, ({ all }) => all)
  for (const other of others) assert.deepStrictEqual(other, first)
  return first!
})
const pass = Effect.fnUntraced(function*(seconds: number) {
  for (let i = 0; i < seconds * 4; i++) yield* TestClock.adjust(250)
})
const broker = MemoryBroker
/** The longest that two sides need after the network is whole: a reminder, and the tellings that follow from it. */
const reconciled = 66 + 8

const simulated = (seed: number) => <A, E>(effect: Effect.Effect<A, E, MemoryBroker | Scope.Scope>) =>
  effect.pipe(
    Effect.scoped,
    Effect.provide(MemoryBroker.layer),
    Random.withSeed(`overrides ${seed}`),
    (simulation) => Effect.andThen(TestClock.setTime(Date.parse("2026-04-21T08:00:00Z")), simulation)
  )

describe("overrides in a cluster", () => {
  it.effect("given on one node is in the answers of all within 2 s, and there still after all were restarted", () =>
    Effect.gen(function*() {
      yield* (yield* broker).setFaults({ delay: { min: "5 millis", max: "200 millis" } })
      const nodes = yield* startAll
      yield* pass(10)
      for (const [i, node] of nodes.entries()) {
        yield* node.take(members[i]!)
        yield* TestClock.adjust("2 seconds")
        // The last one answers, although it is out: nobody is left.
        const expected = members.slice(0, Math.min(i + 1, members.length - 1))
        assert.deepStrictEqual(yield* outOf(nodes), same(nodes, expected))
        yield* node.end(members[i]!)
        yield* node.take(members[i]!, "maintenance")
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* outOf(nodes), same(nodes, expected))
      }
      const before = yield* agreed(nodes)
      assert.lengthOf(before, 10)
      yield* Effect.forEach(nodes, ({ stop }) => stop)
      yield* pass(60)
      // Nobody is left to ask but the disk of each.
      yield* Effect.forEach(nodes, ({ start }) => start)
      assert.deepStrictEqual(yield* outOf(nodes), same(nodes, members.slice(0, -1)))
      assert.deepStrictEqual(yield* agreed(nodes), before)
    }).pipe(simulated(1)))

  it.effect("a node that comes later, or lost its files, learns them within seconds", () =>
    Effect.gen(function*() {
      const nodes = yield* startAll
      yield* nodes[0]!.take("Amber")
      yield* pass(30)
      const late = yield* start("dns-9")
      yield* pass(2)
      assert.deepStrictEqual(yield* late.out, ["Amber"])
    }).pipe(simulated(2)))

  it.effect("a connection that was lost: what was given meanwhile is known seconds after it is back", () =>
    Effect.gen(function*() {
      const nodes = yield* startAll
      const { disconnect, reconnect } = yield* broker
      yield* disconnect("dns-1")
      yield* nodes[0]!.take("Amber")
      yield* nodes[1]!.take("Birch")
      yield* pass(120)
      assert.deepStrictEqual(yield* outOf(nodes.slice(0, 2)), [["Amber"], ["Birch"]])
      yield* reconnect("dns-1")
      yield* pass(2)
      assert.deepStrictEqual(yield* outOf(nodes), same(nodes, ["Amber", "Birch"]))
    }).pipe(simulated(3)))

  it.effect("two ends at once: the first counts everywhere", () =>
    Effect.gen(function*() {
      const nodes = yield* startAll
      yield* nodes[0]!.take("Amber")
      yield* pass(5)
      const { heal, partition } = yield* broker
      yield* partition([["dns-1", "monitor-1"]])
      yield* nodes[1]!.end("Amber")
      yield* TestClock.adjust(1)
      yield* nodes[0]!.end("Amber")
      yield* pass(30)
      yield* heal
      yield* pass(reconciled)
      const [amber] = yield* agreed(nodes)
      assert.strictEqual(amber!.ended?.reason, "by dns-2")
      assert.deepStrictEqual(yield* outOf(nodes), same(nodes, []))
    }).pipe(simulated(4)))

  for (let seed = 10; seed < 20; seed++) {
    it.effect(`all agree after partitions, loss, doubles and restarts (seed ${seed})`, () =>
      Effect.gen(function*() {
        const random = seeded(seed)
        const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!
        const { heal, partition, setFaults } = yield* broker
        const nodes = yield* startAll
        yield* setFaults({ loss: 0.2, duplication: 0.2, delay: { min: 0, max: "2 seconds" } })
        for (let round = 0; round < 12; round++) {
          if (random() < 0.5) yield* partition([ids.filter(() => random() < 0.5), ids.filter(() => random() < 0.3)])
          else yield* heal
          const node = pick(nodes)
          if (random() < 0.6) yield* node.take(pick(members))
          else yield* node.end(pick(members))
          if (random() < 0.3) {
            const other = pick(nodes)
            yield* other.stop
            yield* pass(random() * 20)
            yield* other.start
          }
          yield* pass(random() * 20)
        }
        yield* heal
        yield* setFaults({ loss: 0, duplication: 0, delay: { min: 0, max: "200 millis" } })
        yield* pass(reconciled)
        const known = yield* agreed(nodes)
        const holding = members.filter((member) => known.some((it) => it.member === member && it.ended === undefined))
        if (holding.length < members.length) assert.deepStrictEqual(yield* outOf(nodes), same(nodes, holding))
        else for (const out of yield* outOf(nodes)) assert.isBelow(out.length, members.length)
        assert.isAbove(known.length, 2)
      }).pipe(simulated(seed)))
  }
})
