import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Logger, Queue, Random, Schema, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { JoinSeals } from "../../src/cluster/JoinSeals.ts"
import { Membership } from "../../src/cluster/Membership.ts"
import { activeFor, maxNodes } from "../../src/cluster/NodeTable.ts"
import { ClusterMessage, type NodeInfo, type NodeRole } from "../../src/domain/wire/Cluster.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { counted } from "../bus/counted.ts"

/** Lets everybody go on until they wait for time to pass. */
const settle = Effect.repeat(Effect.yieldNow, { times: 20 })

/** A node with everything that membership needs, on the broker in context. */
const startNode = Effect.fnUntraced(function*(id: string, role: NodeRole = "IBPMonitor") {
  const context = yield* Layer.build(
    Membership.layerAnnouncing({ address: "192.0.2.1", port: 8080 }).pipe(
      Layer.provideMerge(Layer.mergeAll(
        NodeIdentity.layerMemory({ id, role }),
        Bus.layerMemory({ name: id }),
        Conditions.layerMemory
      ))
    )
  )
  return { membership: Context.get(context, Membership), conditions: Context.get(context, Conditions) }
})

/** A client of the bus that is no node of ours: it sends what it likes and notes the announcements that it hears. */
const stranger = Effect.fnUntraced(function*() {
  const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name: "stranger" })), Bus)
  const heard: Array<{ readonly at: number; readonly message: ClusterMessage }> = []
  const messages = yield* bus.subscribe(Subject.Cluster.name)
  yield* messages.pipe(
    Stream.runForEach(({ data }) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        heard.push({ at, message: Schema.decodeUnknownSync(ClusterMessage)(JSON.parse(data)) })
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  const join = (NodeID: string, more: Partial<NodeInfo> = {}, type = "join") =>
    Messages.send(Subject.Cluster, {
      type,
      sender: {
        NodeID,
        PublicAddress: "",
        ListenAddress: "0.0.0.0",
        ListenPort: "0",
        NodeRole: "IBPMonitor",
        LastHeard: 0,
        ...more
      },
      members: []
    }).pipe(Effect.provideService(Bus, bus), Effect.andThen(settle))
  return { heard, join, times: () => heard.splice(0).map(({ at }) => at) }
})

const electorate = (node: Effect.Success<ReturnType<typeof startNode>>) =>
  Effect.map(node.membership.electorate, (ids) => [...ids].sort())

const raised = (node: Effect.Success<ReturnType<typeof startNode>>) =>
  Effect.map(node.conditions.current, (conditions) => conditions.map(({ name }) => name))

const broker = <A, E>(test: Effect.Effect<A, E, MemoryBroker | Scope.Scope>) =>
  test.pipe(Effect.provide([MemoryBroker.layer, Logger.layer([])]))

describe("Membership announces itself", () => {
  it.effect("three times half a second apart, then every 90 seconds", () =>
    broker(Effect.gen(function*() {
      const { heard, times } = yield* stranger()
      yield* startNode("a", "IBPCollator")
      yield* TestClock.adjust("181 seconds")
      assert.deepStrictEqual(heard[0]?.message, {
        type: "join",
        sender: {
          NodeID: "a",
          PublicAddress: "",
          ListenAddress: "192.0.2.1",
          ListenPort: "8080",
          NodeRole: "IBPCollator",
          LastHeard: 0,
          Boot: "boot-a"
        },
        members: []
      })
      assert.deepStrictEqual(times(), [0, 500, 1000, 91_000, 181_000])
    })))

  it.effect("at once when it takes another roster", () =>
    broker(Effect.gen(function*() {
      const { times } = yield* stranger()
      const epochs = yield* Queue.unbounded<void>()
      yield* startNode("a").pipe(
        Effect.provideService(JoinSeals, { ...JoinSeals.defaultValue(), changes: Stream.fromQueue(epochs) })
      )
      yield* TestClock.adjust("20 seconds")
      times()
      yield* Queue.offer(epochs, undefined)
      yield* settle
      assert.deepStrictEqual(times(), [20_000])
    })))

  it.effect("at once when a node comes or changes, but at most every 5 seconds, and not for what it knows", () =>
    broker(Effect.gen(function*() {
      const { join, times } = yield* stranger()
      yield* startNode("a")
      yield* TestClock.adjust("10 seconds")
      times()
      yield* join("x")
      assert.deepStrictEqual(times(), [10_000])
      yield* join("x")
      yield* join("y")
      yield* join("z")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(times(), [])
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(times(), [15_000])
      yield* TestClock.adjust("5 seconds")
      yield* join("x")
      assert.deepStrictEqual(times(), [])
      yield* join("x", { Boot: "restarted" })
      assert.deepStrictEqual(times(), [20_000])
      for (let i = 0; i < 200; i++) yield* join(`flood-${i}`)
      yield* TestClock.adjust("60 seconds")
      assert.isAtMost(times().length, 12)
    })))

  it.effect("again when the connection comes back", () =>
    broker(Effect.gen(function*() {
      const { disconnect, reconnect } = yield* MemoryBroker
      const { times } = yield* stranger()
      const node = yield* startNode("a")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* raised(node), [])
      yield* disconnect("a")
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* raised(node), ["bus"])
      times()
      yield* reconnect("a")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* raised(node), [])
      assert.deepStrictEqual(times().slice(0, 1), [310_000])
    })))

  it.effect("when it starts without a connection", () =>
    broker(Effect.gen(function*() {
      const { disconnect, reconnect } = yield* MemoryBroker
      const { times } = yield* stranger()
      yield* disconnect("a")
      const node = yield* startNode("a")
      yield* TestClock.adjust("1900 millis")
      assert.deepStrictEqual(yield* raised(node), [], "it may be about to connect")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* raised(node), ["bus"])
      yield* TestClock.adjust("26100 millis")
      assert.deepStrictEqual([yield* raised(node), times()], [["bus"], []])
      yield* reconnect("a")
      yield* settle
      assert.deepStrictEqual([yield* raised(node), times()], [[], [30_000]])
    })))
})

describe("Membership", () => {
  it.effect("of three nodes find each other over a network that loses and reorders", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      broker(Effect.gen(function*() {
        const { setFaults } = yield* MemoryBroker
        yield* setFaults({ loss: 0.3, duplication: 0.1, delay: { min: "1 millis", max: "2 seconds" } })
        const ids = ["m1", "m2", "m3"]
        const nodes = yield* Effect.forEach(ids, (id) => startNode(id))
        yield* TestClock.adjust("5 minutes")
        for (const node of nodes) assert.deepStrictEqual(yield* electorate(node), ids, `seed ${seed}`)
        for (const [i, node] of nodes.entries()) {
          const others = yield* node.membership.nodes
          assert.deepStrictEqual(others.map(({ id }) => id).sort(), ids.filter((_, j) => j !== i))
          assert.isTrue(
            others.every(({ active, guessed, address }) => active && !guessed && address === "192.0.2.1:8080")
          )
        }
      })).pipe(Effect.scoped, Random.withSeed(seed)), { discard: true }))

  it.effect("of a partition lose each other after 10 minutes, forget after 15, and find each other again", () =>
    broker(Effect.gen(function*() {
      const { heal, partition } = yield* MemoryBroker
      const nodes = yield* Effect.forEach(["m1", "m2", "m3"], (id) => startNode(id))
      yield* TestClock.adjust("2 minutes")
      yield* partition([["m3"]])
      const sizes = () => Effect.forEach(nodes, (node) => Effect.map(electorate(node), (ids) => ids.length))
      yield* TestClock.adjust("8 minutes")
      assert.deepStrictEqual(yield* sizes(), [3, 3, 3])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* sizes(), [2, 2, 1])
      const silent = yield* nodes[0]!.membership.nodes
      assert.deepStrictEqual(silent.filter(({ active }) => !active).map(({ id }) => id), ["m3"])
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual((yield* nodes[0]!.membership.nodes).map(({ id }) => id), ["m2"])
      assert.deepStrictEqual(yield* nodes[2]!.membership.nodes, [])
      yield* heal
      yield* TestClock.adjust("95 seconds")
      assert.deepStrictEqual(yield* sizes(), [3, 3, 3])
    })))

  it.effect("takes other messages as signs of life, and unknown senders of consensus as monitors, marked", () =>
    broker(Effect.gen(function*() {
      const node = yield* startNode("m1")
      yield* node.membership.heard("somebody", "consensus")
      yield* node.membership.heard("dns-1", "usage")
      assert.deepStrictEqual(yield* electorate(node), ["m1", "somebody"])
      for (let i = 0; i < 4; i++) {
        yield* TestClock.adjust("9 minutes")
        yield* node.membership.heard("somebody", "usage")
      }
      const nodes = yield* node.membership.nodes
      assert.deepStrictEqual(
        nodes.map(({ active, guessed, id, lastHeard }) => ({ active, guessed, id, lastHeard })),
        [{ active: true, guessed: true, id: "somebody", lastHeard: 36 * 60_000 }]
      )
    })))

  it.effect("ages nobody when the time of day is set", () =>
    broker(Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let offset = 0
      const jumping: Clock.Clock = {
        ...clock,
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offset,
        currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + offset)
      }
      const node = yield* Effect.provideService(startNode("m1"), Clock.Clock, jumping)
      yield* node.membership.heard("m2-monitor", "consensus")
      for (const hours of [24, -24]) {
        offset = hours * 3_600_000
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* electorate(node), ["m1", "m2-monitor"])
      }
      const [entry] = yield* node.membership.nodes
      assert.strictEqual(entry?.lastHeard, -24 * 3_600_000)
      yield* TestClock.adjust(activeFor - 120_000)
      assert.deepStrictEqual(yield* electorate(node), ["m1"])
    })))

  it.effect("tells the changes, and nothing else", () =>
    broker(Effect.gen(function*() {
      const { join } = yield* stranger()
      const node = yield* startNode("m1")
      const seen: Array<ReadonlyArray<string>> = []
      yield* node.membership.changes.pipe(
        Stream.runForEach((nodes) =>
          Effect.sync(() => seen.push(nodes.map(({ active, id }) => `${id} ${active ? "active" : "silent"}`)))
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* settle
      assert.deepStrictEqual(seen.splice(0), [[]])
      yield* join("x")
      yield* join("x")
      yield* node.membership.heard("x", "consensus")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen.splice(0), [["x active"]])
      yield* TestClock.adjust("20 minutes")
      assert.deepStrictEqual(seen.splice(0), [["x silent"], []])
      const first = yield* node.membership.changes.pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(first, [[]])
    })))

  it.effect("says when two running nodes have one id, and when that is over", () =>
    broker(Effect.gen(function*() {
      const { join } = yield* stranger()
      const node = yield* startNode("m1")
      yield* join("m1", { Boot: "boot-m1" })
      yield* join("x", { Boot: "1" })
      yield* join("x", { Boot: "2" })
      assert.deepStrictEqual(yield* raised(node), [])
      yield* join("m1", { Boot: "another" })
      const [condition] = yield* node.conditions.current
      assert.strictEqual(condition?.name, "node-id")
      assert.include(condition?.detail, "m1")
      assert.include(condition?.detail, "0.0.0.0")
      yield* TestClock.adjust("9 minutes")
      assert.deepStrictEqual(yield* raised(node), ["node-id"])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* raised(node), [])
      yield* join("x", { Boot: "1" })
      yield* join("x", { Boot: "2" })
      assert.deepStrictEqual(yield* raised(node), ["node-id"])
      assert.deepStrictEqual(yield* electorate(node), ["m1", "x"])
    })))

  it.effect("says whose clock is off, ours or that of another, and when that is over", () =>
    broker(Effect.gen(function*() {
      const { join } = yield* stranger()
      const node = yield* startNode("m1")
      const ahead: Record<string, number> = { x: 20_000, y: 0, z: -300 }
      /** Everybody announces itself every half minute. */
      const minutes = (n: number) =>
        Effect.gen(function*() {
          for (let i = 0; i < 2 * n; i++) {
            yield* TestClock.adjust("30 seconds")
            const now = yield* Clock.currentTimeMillis
            for (const [id, off] of Object.entries(ahead)) yield* join(id, { LastHeard: now + off })
          }
          yield* TestClock.adjust("5 seconds")
        })
      const skews = Effect.map(
        node.membership.nodes,
        (nodes) => Object.fromEntries(nodes.map(({ id, skew }) => [id, skew]))
      )
      yield* minutes(1)
      assert.deepStrictEqual(yield* skews, { x: undefined, y: undefined, z: undefined }, "two messages say nothing yet")
      yield* minutes(1)
      assert.deepStrictEqual(yield* skews, ahead)
      const [theirs, ...more] = yield* node.conditions.current
      assert.deepStrictEqual([theirs?.name, more], ["clock:others", []])
      assert.include(theirs?.detail, "x 20.0 s ahead. 3 of 4 clocks agree with each other, ours among them")

      Object.assign(ahead, { y: 20_000, z: 20_100 })
      yield* minutes(10)
      const [ours, ...others] = yield* node.conditions.current
      assert.deepStrictEqual([ours?.name, others], ["clock", []])
      assert.include(ours?.detail, "the clock of this node is 20.0 s behind: those of 3 of the 3 other nodes")

      Object.assign(ahead, { x: 0, y: 0, z: 0 })
      yield* minutes(11)
      assert.deepStrictEqual(yield* raised(node), [])
      // A vote tells as much as an announcement; one that comes again much later tells nothing.
      for (let i = 0; i < 4; i++) {
        const now = yield* Clock.currentTimeMillis
        yield* node.membership.heard("w", "consensus", now - 7_000)
        yield* node.membership.heard("w", "consensus", now - 3_600_000)
        yield* TestClock.adjust("20 seconds")
      }
      assert.strictEqual((yield* skews)["w"], -7_000)
      assert.deepStrictEqual(yield* raised(node), ["clock:others"])
    })))

  it.effect("of two nodes with one id say so both", () =>
    broker(Effect.gen(function*() {
      const first = yield* startNode("m1")
      const second = yield* Effect.map(
        Layer.build(
          Membership.layer.pipe(
            Layer.provideMerge(Layer.mergeAll(
              NodeIdentity.layer({ id: "m1", role: "IBPMonitor" }),
              Bus.layerMemory({ name: "m1-again" }),
              Conditions.layerMemory
            ))
          )
        ),
        (context) => ({ membership: Context.get(context, Membership), conditions: Context.get(context, Conditions) })
      )
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* raised(first), yield* raised(second)], [["node-id"], ["node-id"]])
      assert.deepStrictEqual(yield* electorate(first), ["m1"])
    })))

  it.effect("answers a twin once, and again one that started anew while the first clash is still told", () =>
    broker(Effect.gen(function*() {
      const { join, times } = yield* stranger()
      yield* startNode("m1")
      yield* TestClock.adjust("10 seconds")
      times()
      const answersTo = (boot: string) =>
        Effect.gen(function*() {
          yield* join("m1", { Boot: boot })
          yield* TestClock.adjust("6 seconds")
          return times().length
        })
      assert.strictEqual(yield* answersTo("first"), 1)
      assert.strictEqual(yield* answersTo("first"), 0, "two that answer each other for ever help nobody")
      assert.strictEqual(yield* answersTo("second"), 1, "it has to hear of us, too")
      assert.strictEqual(yield* answersTo("first"), 0)
      // A flood of inventions: no more than any other would make us say.
      for (let i = 0; i < 1_000; i++) yield* join("m1", { Boot: `invented-${i}` })
      yield* TestClock.adjust("6 seconds")
      assert.isAtMost(times().length, 2)
    })))

  it.effect("does not mind garbage, other kinds of cluster messages, or a flood", () =>
    broker(Effect.gen(function*() {
      const { join } = yield* stranger()
      const node = yield* startNode("m1")
      yield* join("x")
      const before = yield* counted("geodns_nodes_refused_total")
      for (const garbage of ["leave", "", "__proto__"]) yield* join("y", {}, garbage)
      for (let i = 0; i < 2000; i++) yield* node.membership.heard(`invented-${i}`, "consensus")
      yield* join("__proto__")
      yield* join("z")
      const ids = yield* electorate(node)
      assert.isAtMost(ids.length, maxNodes / 2 + 4)
      assert.includeMembers(ids, ["__proto__", "m1", "x", "z"])
      assert.notInclude(ids, "y")
      assert.strictEqual((yield* counted("geodns_nodes_refused_total")) - before, 2000 - maxNodes / 2)
    })))

  it.effect("can be had in memory, with a bus client of its own", () =>
    broker(Effect.gen(function*() {
      const build = (id: string, role: NodeRole) =>
        Effect.map(Layer.build(Membership.layerMemory({ id, role })), (context) => Context.get(context, Membership))
      const monitor = yield* build("m1", "IBPMonitor")
      const dns = yield* build("d1", "IBPDns")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([...yield* monitor.electorate], ["m1"])
      assert.deepStrictEqual([...yield* dns.electorate], ["m1"])
      assert.deepStrictEqual((yield* monitor.nodes).map(({ id, role }) => [id, role]), [["d1", "IBPDns"]])
    })))
})
