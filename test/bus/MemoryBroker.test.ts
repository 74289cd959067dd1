import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { counted } from "./counted.ts"

const connect = (name: string) =>
  Effect.map(Layer.build(Bus.layerMemory({ name })), (context) => Context.get(context, Bus))

/** What a client gets on subject `t`, as it comes. */
const listen = Effect.fnUntraced(function*(client: Bus["Service"]) {
  const received: Array<string> = []
  const messages = yield* client.subscribe("t")
  yield* messages.pipe(
    Stream.runForEach(({ data }) => Effect.sync(() => received.push(data))),
    Effect.forkScoped({ startImmediately: true })
  )
  return received
})

const publishAll = (client: Bus["Service"], count: number) =>
  Effect.forEach(Array.from({ length: count }, (_, i) => String(i)), (text) => client.publish("t", text), {
    discard: true
  })

const inOrder = (count: number) => Array.from({ length: count }, (_, i) => String(i))

/** One run of 200 messages over a bad network; what arrived, in order. */
const badRun = (seed: string) =>
  Effect.gen(function*() {
    const broker = yield* MemoryBroker
    const [a, b] = yield* Effect.all([connect("a"), connect("b")])
    const received = yield* listen(b)
    yield* broker.setFaults({ loss: 0.2, duplication: 0.1, delay: { min: "10 millis", max: "500 millis" } })
    yield* publishAll(a, 200)
    yield* TestClock.adjust("9 millis")
    assert.deepStrictEqual(received, [])
    yield* TestClock.adjust("491 millis")
    return received
  }).pipe(Effect.scoped, Effect.provide(MemoryBroker.layer), Random.withSeed(seed))

describe("MemoryBroker", () => {
  it.effect("delivers at once and in order without faults", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received = yield* listen(b)
      yield* publishAll(a, 1000)
      yield* Effect.yieldNow
      assert.deepStrictEqual(received, inOrder(1000))
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("loses, doubles, delays and reorders by chance, the same for the same seed", () =>
    Effect.gen(function*() {
      const [first, again, other] = [yield* badRun("1"), yield* badRun("1"), yield* badRun("2")]
      assert.deepStrictEqual(again, first)
      assert.notDeepEqual(other, first)
      const distinct = new Set(first)
      assert.isAbove(distinct.size, 120)
      assert.isBelow(distinct.size, 190)
      assert.isAbove(first.length, distinct.size)
      assert.isBelow(first.length, distinct.size * 1.3)
      assert.notDeepEqual([...first].sort((x, y) => Number(x) - Number(y)), first)
    }))

  it.effect("changes faults while it runs, each by itself", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received = yield* listen(b)
      yield* broker.setFaults({ loss: 1 })
      yield* a.publish("t", "lost")
      yield* broker.setFaults({ loss: 0, delay: { min: "1 second", max: "1 second" } })
      yield* a.publish("t", "late")
      yield* broker.setFaults({ delay: { min: 0, max: 0 } })
      yield* a.publish("t", "early")
      yield* broker.setFaults({ duplication: 1 })
      yield* a.publish("t", "twice")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(received, ["early", "twice", "twice", "late"])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("cuts groups from each other, and the rest from both", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const names = ["a1", "a2", "b1", "rest1", "rest2"]
      const clients = yield* Effect.forEach(names, connect)
      const received = yield* Effect.forEach(clients, listen)
      const publishNames = Effect.forEach(names, (name, i) => clients[i]!.publish("t", name))
      const heard = Effect.map(TestClock.adjust(0), () => received.map((texts) => texts.splice(0)))
      yield* broker.partition([["a1", "a2"], ["b1"]])
      yield* publishNames
      assert.deepStrictEqual(yield* heard, [["a2"], ["a1"], [], ["rest2"], ["rest1"]])
      yield* broker.partition([["a1"]])
      yield* publishNames
      assert.deepStrictEqual((yield* heard).map((texts) => texts.length), [0, 3, 3, 3, 3])
      yield* broker.heal
      yield* publishNames
      assert.deepStrictEqual((yield* heard).map((texts) => texts.length), [4, 4, 4, 4, 4])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("loses what is under way when the network is cut or the receiver loses its connection", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      const received = yield* listen(b)
      yield* broker.setFaults({ delay: { min: "1 second", max: "1 second" } })
      yield* a.publish("t", "cut off")
      yield* broker.partition([["a"], ["b"]])
      yield* a.publish("t", "sent into the cut")
      yield* TestClock.adjust("1 second")
      yield* broker.heal
      yield* a.publish("t", "disconnected")
      yield* broker.disconnect("b")
      yield* TestClock.adjust("1 second")
      yield* broker.reconnect("b")
      yield* a.publish("t", "back")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(received, ["back"])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("lets a client that comes later start without a connection", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      yield* broker.disconnect("a")
      const a = yield* connect("a")
      assert.isFalse(yield* a.connected)
      yield* broker.reconnect("a")
      yield* a.publish("t", "1")
      assert.isTrue(yield* a.connected)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("keeps clients of one name apart", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Effect.all([connect("a"), connect("a")])
      const [atFirst, atSecond] = yield* Effect.all([listen(first), listen(second)])
      yield* first.publish("t", "1")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual([atFirst, atSecond], [[], ["1"]])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("counts what a slow reader loses", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([connect("a"), connect("b")])
      yield* b.subscribe("t")
      const before = yield* counted("geodns_bus_dropped_total")
      yield* publishAll(a, 10_000)
      assert.strictEqual((yield* counted("geodns_bus_dropped_total")) - before, 10_000 - 8192)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("forgets clients and subscriptions with their scope", () =>
    Effect.gen(function*() {
      const a = yield* connect("a")
      const received: Array<ReadonlyArray<string>> = []
      for (let i = 0; i < 3; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const texts = yield* listen(yield* connect("b"))
          yield* a.publish("t", String(i))
          yield* TestClock.adjust(0)
          received.push(texts)
        }))
      }
      assert.deepStrictEqual(received, [["0"], ["1"], ["2"]])
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
