import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Random } from "effect"
import { TestClock } from "effect/testing"
import { AlertError } from "../../src/alerts/AlertChannel.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import * as Store from "../../src/store/Store.ts"
import { brief, diskWith, fuji, outagesOf, passUntil, setHealthy, startCollator, startMonitors } from "./cluster.ts"

const world = <A, E>(
  seed: number,
  test: Effect.Effect<A, E, MemoryBroker | ScriptedProbes | import("effect").Scope.Scope>
) =>
  TestClock.setTime(Date.parse("2026-04-21T08:00:00Z")).pipe(
    Effect.andThen(test),
    Effect.scoped,
    Effect.provide([MemoryBroker.layer, ScriptedProbes.layer]),
    Effect.provide([TestClock.layer(), Logger.layer([])]),
    Random.withSeed(seed)
  )

/** A database, and monitors that have decided that all is well. */
const network = Effect.gen(function*() {
  const stores = yield* Layer.build(Layer.fresh(Store.layerMemory))
  yield* startMonitors(Layer.succeedContext(stores))
  yield* TestClock.adjust("10 seconds")
  return stores
})

describe("a collator", () => {
  it.effect("alerts once, whether it was restarted before or after the alert was delivered", () =>
    world(
      1,
      Effect.gen(function*() {
        const stores = yield* network
        const disk = yield* diskWith(stores)
        const first = yield* startCollator("collator-1", disk)
        yield* first.channel.before(() => new AlertError({ channel: "memory", problem: "is away", isRetryable: true }))
        yield* setHealthy(false)
        yield* passUntil("the outage is stored", Effect.map(outagesOf(stores), (all) => all.length === 1))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* first.told, [])
        yield* first.stop

        const second = yield* startCollator("collator-1", disk)
        const [outage] = yield* outagesOf(stores)
        yield* passUntil("the alert", Effect.map(second.told, (told) => told.length > 0))
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* second.told, [`${outage!.id}:opened`])
        yield* second.stop

        const third = yield* startCollator("collator-1", disk)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* third.told, [])
        yield* setHealthy(true)
        yield* passUntil("the end is told", Effect.map(third.told, (told) => told.length > 0))
        yield* third.stop

        const fourth = yield* startCollator("collator-1", disk)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* third.told, [`${outage!.id}:resolved`])
        assert.deepStrictEqual(yield* fourth.told, [])
        assert.deepStrictEqual((yield* outagesOf(stores)).map(brief), [
          { id: outage!.id, member: fuji.name, isOpen: false }
        ])
      })
    ))

  it.effect("that was away when an outage opened finds it in the store, and nobody is told twice", () =>
    world(
      2,
      Effect.gen(function*() {
        const stores = yield* network
        const [diskA, diskB] = [yield* diskWith(stores), yield* diskWith(stores)]
        const away = yield* startCollator("collator-a", diskA)
        yield* TestClock.adjust("10 seconds")
        yield* away.stop
        const there = yield* startCollator("collator-b", diskB)
        yield* setHealthy(false)
        yield* passUntil("the alert", Effect.map(there.told, (told) => told.length > 0))
        const [outage] = yield* outagesOf(stores)
        yield* there.stop

        const back = yield* startCollator("collator-a", diskA)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(yield* back.told, [])
        yield* setHealthy(true)
        yield* passUntil("the end is told", Effect.map(back.told, (told) => told.length > 0))
        assert.deepStrictEqual(yield* back.told, [`${outage!.id}:resolved`])
        assert.deepStrictEqual(yield* there.told, [`${outage!.id}:opened`])
        assert.deepStrictEqual((yield* outagesOf(stores)).map(brief), [
          { id: outage!.id, member: fuji.name, isOpen: false }
        ])
      })
    ))
})
