import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Ref, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Messages from "../../src/bus/Messages.ts"
import { Config } from "../../src/config/Config.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { followResults } from "../../src/status/followResults.ts"
import { KnownTargets } from "../../src/status/KnownTargets.ts"
import { MonitorResults } from "../../src/status/MonitorResults.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { type ResultsError, Unreachable } from "../../src/status/ResultsError.ts"
import { Snapshots } from "../../src/status/Snapshots.ts"
import { decision, targetNamed } from "./fixtures.ts"

const epoch = Date.parse("2026-04-21T08:00:00Z")

const results = (status: boolean, at: number) =>
  JSON.stringify({
    EndpointResults: [{
      CheckName: "wss",
      Domain: "rpc.example",
      RpcUrl: "wss://rpc.example/polkadot",
      IsIPv6: false,
      Results: [{ Status: status, MemberName: "A", ErrorText: "", Checktime: new Date(at).toISOString() }]
    }]
  })

type Answer = Effect.Effect<string, ResultsError["reason"]>

const start = Effect.fnUntraced(function*(answer: Answer, shadow = false) {
  const asked = yield* Ref.make(0)
  const answers = yield* Ref.make(answer)
  const node = followResults.pipe(
    Layer.provideMerge(Snapshots.layer),
    Layer.provideMerge(OfficialStatus.layer),
    Layer.provideMerge(Conditions.layerMemory),
    Layer.provide([
      MonitorResults.layerMemory({
        host: "monitor.example",
        answer: Effect.andThen(Ref.update(asked, (n) => n + 1), Effect.flatten(Ref.get(answers)))
      }),
      Bus.layerMemory({ name: "dns-1" }),
      NodeIdentity.layerMemory({ id: "dns-1", role: "IBPDns" }),
      DurableFiles.layerMemory,
      Config.layerMemory({
        local: {
          DnsApi: { MonitorAddress: "monitor.example", RefreshIntervalSeconds: 30 },
          GeoDNS: { Consensus: { Shadow: shadow } }
        }
      }),
      Layer.succeed(KnownTargets, () => () => true)
    ])
  )
  const building = yield* Effect.forkScoped(Layer.build(node))
  // Twice it waits for up to two seconds, and no time passes before it does.
  for (const seconds of [0, 2, 2]) {
    yield* TestClock.adjust(seconds * 1_000)
    yield* Effect.repeat(TestClock.adjust(0), { times: 20 })
  }
  const services = yield* Fiber.join(building)
  const official = Context.get(services, OfficialStatus)
  return {
    official,
    asked: Ref.get(asked),
    setAnswer: (next: Answer) => Ref.set(answers, next),
    status: Effect.map(official.get(targetNamed("A")), (status) => status && [status.up, status.decidedBy]),
    conditions: Effect.map(Context.get(services, Conditions).current, (all) => all.map(({ name }) => name))
  }
})

const source = "results:monitor.example"

const test = (
  name: string,
  body: Effect.Effect<void, unknown, MemoryBroker | Scope.Scope>
) => it.effect(name, () => Effect.andThen(TestClock.setTime(epoch), body).pipe(Effect.provide(MemoryBroker.layer)))

/** A monitor of ours that is heard on the bus. */
const monitorOnBus = Effect.gen(function*() {
  const bus = Context.get(yield* Layer.build(Bus.layerMemory({ name: "monitor-1" })), Bus)
  yield* Messages.send(Subject.Status, {
    Type: "digest",
    NodeID: "monitor-1",
    NodeRole: "IBPMonitor",
    Count: 0,
    Hash: "",
    From: 0
  }).pipe(Effect.provideService(Bus, bus))
})

describe("followResults", () => {
  test(
    "reads the results of the monitor at the start, and every refresh interval while no monitor of ours is heard",
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results(false, epoch - 60_000)))
      assert.deepStrictEqual(yield* node.status, [false, source])
      yield* node.setAnswer(Effect.succeed(results(true, epoch + 20_000)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.status, [true, source])
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* node.asked, 4)
    })
  )

  test(
    "reads nothing while a monitor of ours is heard on the bus, and again when the bus is gone",
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const node = yield* start(Effect.succeed(results(true, epoch)))
      yield* monitorOnBus
      const before = yield* node.asked
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* node.asked, before)
      yield* broker.disconnect("dns-1")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* node.asked, before + 1)
    })
  )

  test(
    "never takes a stale result over a decision of the bus, and gives way to the next decision",
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results(false, epoch - 600_000)))
      const decided = (id: string, up: boolean, at: number) =>
        node.official.apply(decision({ id, target: targetNamed("A"), up, decidedAt: at }))
      yield* decided("p1", true, epoch)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.status, [true, "monitor-1"])
      yield* node.setAnswer(Effect.succeed(results(false, epoch + 40_000)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.status, [false, source])
      yield* decided("p2", true, epoch + 50_000)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* node.status, [true, "monitor-1"])
    })
  )

  test(
    "says that it cannot read them, as long as it has to",
    Effect.gen(function*() {
      const node = yield* start(Effect.fail(new Unreachable({ detail: "connect ECONNREFUSED" })))
      assert.deepStrictEqual(yield* node.conditions, ["results"])
      yield* node.setAnswer(Effect.succeed(results(true, epoch)))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.conditions, [])
      yield* node.setAnswer(Effect.fail(new Unreachable({ detail: "connect ECONNREFUSED" })))
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.conditions, ["results"])
      yield* monitorOnBus
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* node.conditions, [])
    })
  )

  test(
    "is slow for nobody: a monitor that hangs holds the start up for two seconds",
    Effect.gen(function*() {
      const node = yield* start(Effect.never)
      assert.isUndefined(yield* node.status)
    })
  )

  test(
    "reads once in shadow mode, which then compares",
    Effect.gen(function*() {
      const node = yield* start(Effect.succeed(results(false, epoch - 60_000)), true)
      assert.deepStrictEqual(yield* node.status, [false, source])
      yield* node.setAnswer(Effect.succeed(results(true, epoch)))
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* node.status, [false, source])
      assert.strictEqual(yield* node.asked, 1)
    })
  )
})
