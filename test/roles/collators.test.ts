import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Option, Random } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { AlertError } from "../../src/alerts/AlertChannel.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import * as Store from "../../src/store/Store.ts"
import { eventually, temporaryFolder } from "../cli/geodns.ts"
import { brief, diskWith, fuji, outagesOf, passUntil, setHealthy, startCollator, startMonitors } from "./cluster.ts"

/** Runs a test in virtual time, each seed another run. */
const world = <A, E>(seed: number, test: Effect.Effect<A, E, MemoryBroker | ScriptedProbes | Scope.Scope>) =>
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
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(yield* second.told, [`${outage!.id}:opened`])
        yield* second.stop

        const third = yield* startCollator("collator-1", disk)
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* third.told, [])
        yield* setHealthy(true)
        yield* passUntil("the end is told", Effect.map(third.told, (told) => told.length > 0))
        yield* third.stop

        const fourth = yield* startCollator("collator-1", disk)
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(yield* third.told, [`${outage!.id}:resolved`])
        assert.deepStrictEqual(yield* fourth.told, [])
        assert.deepStrictEqual((yield* outagesOf(stores)).map(brief), [
          { id: outage!.id, member: fuji.name, isOpen: false }
        ])
      })
    ))

  it.effect("that was away for a moment when an outage opened hears of it all the same, and alerts once", () =>
    world(
      3,
      Effect.gen(function*() {
        const stores = yield* network
        const disk = yield* diskWith(stores)
        const away = yield* startCollator("collator-1", disk)
        yield* TestClock.adjust("1 second")
        yield* away.stop
        yield* setHealthy(false)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* outagesOf(stores), [])

        const back = yield* startCollator("collator-1", disk)
        yield* passUntil("the alert", Effect.map(back.told, (told) => told.length > 0))
        yield* TestClock.adjust("6 minutes")
        const [outage] = yield* outagesOf(stores)
        assert.deepStrictEqual(yield* back.told, [`${outage!.id}:opened`])
        yield* setHealthy(true)
        yield* passUntil("the end is told", Effect.map(back.told, (told) => told.length > 1))
        assert.deepStrictEqual(yield* back.told, [`${outage!.id}:opened`, `${outage!.id}:resolved`])
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
        yield* TestClock.adjust("6 minutes")
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

describe("two collators on one store", () => {
  it.effect("store and close an outage once, and tell one thread, over a bad network", () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < 10; seed++) {
        yield* world(
          seed,
          Effect.gen(function*() {
            const broker = yield* MemoryBroker
            const stores = yield* network
            yield* broker.setFaults({ loss: 0.1, duplication: 0.05, delay: { min: "1 millis", max: "400 millis" } })
            const collators = [
              yield* startCollator("collator-a", yield* diskWith(stores)),
              yield* startCollator("collator-b", yield* diskWith(stores))
            ]
            const told = Effect.map(Effect.all(collators.map((collator) => collator.told)), (all) => all.flat())
            yield* setHealthy(false)
            yield* passUntil("an alert", Effect.map(told, (keys) => keys.length > 0))
            yield* TestClock.adjust("20 seconds")
            yield* setHealthy(true)
            yield* passUntil("its end", Effect.map(told, (keys) => keys.some((key) => key.endsWith(":resolved"))))
            yield* TestClock.adjust("20 seconds")
            const outages = yield* outagesOf(stores)
            assert.lengthOf(outages, 1, `seed ${seed}`)
            const [{ id, isOpen }] = outages.map(brief) as [ReturnType<typeof brief>]
            assert.isFalse(isOpen, `seed ${seed}`)
            assert.deepStrictEqual([...new Set(yield* told)].sort(), [`${id}:opened`, `${id}:resolved`], `seed ${seed}`)
          })
        )
      }
    }), 120_000)

  it.live("do so in a database, each with a client of its own", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.sqlite")
      const client = Effect.map(
        Layer.build(Layer.fresh(Store.layerSqlite({ filename }))),
        (stores) => ({ stores, disk: diskWith(stores) })
      )
      const [a, b] = [yield* client, yield* client]
      yield* startMonitors(Store.layerMemory)
      const collators = [
        yield* startCollator("collator-a", yield* a.disk),
        yield* startCollator("collator-b", yield* b.disk)
      ]
      const outages = outagesOf(a.stores)
      const openOf = Effect.forEach(collators, ({ parts }) => Context.get(parts, OutageLog).open)
      yield* setHealthy(false)
      yield* eventually(
        "both have an open outage",
        Effect.map(openOf, (open) => open.every(({ length }) => length === 1) ? Option.some(open) : Option.none())
      )
      const [opened] = yield* outages
      yield* setHealthy(true)
      yield* eventually(
        "both have none",
        Effect.map(openOf, (open) => open.every(({ length }) => length === 0) ? Option.some(open) : Option.none())
      )
      assert.deepStrictEqual((yield* outages).map(brief), [{ id: opened!.id, member: fuji.name, isOpen: false }])
      assert.deepStrictEqual(yield* outagesOf(b.stores), yield* outages)
    }).pipe(
      Effect.scoped,
      Effect.provide([MemoryBroker.layer, ScriptedProbes.layer]),
      Effect.provide(Logger.layer([]))
    ), 60_000)
})
