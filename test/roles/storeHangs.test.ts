import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Logger, Random, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Alerts } from "../../src/alerts/Alerts.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { demoName } from "../../src/demo/documents.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Steering } from "../../src/steering/Steering.ts"
import { AlertStore } from "../../src/store/AlertStore.ts"
import * as Store from "../../src/store/Store.ts"
import { FlakyStore } from "../status/flaky.ts"
import { diskWith, fuji, outagesOf, passUntil, setHealthy, startCollator, startDns, startMonitors } from "./cluster.ts"

const here = { location: fuji.location, scope: "192.0.2.0/24" }

/** All stores in memory, of which those of a collator can hang. */
const hanging = (flaky: FlakyStore) =>
  Effect.gen(function*() {
    const stores = yield* Layer.build(Layer.fresh(Layer.merge(Store.layerMemory, flaky.layer)))
    const alerts = Context.get(stores, AlertStore)
    const gate = <A, E>(effect: Effect.Effect<A, E>) =>
      Effect.suspend(() => flaky.mode === "hangs" ? Effect.never : effect)
    return Context.add(stores, AlertStore, {
      ...alerts,
      lease: (...args) => gate(alerts.lease(...args)),
      get: (outage) => gate(alerts.get(outage)),
      save: (thread) => gate(alerts.save(thread)),
      unfinished: Stream.unwrap(gate(Effect.succeed(alerts.unfinished)))
    })
  })

/** A member fails. Gives after how long that is decided and answered, and then lets the store work. */
const fail = (mode: FlakyStore["mode"]) =>
  Effect.gen(function*() {
    const flaky = new FlakyStore()
    const stores = yield* hanging(flaky)
    yield* startMonitors(Layer.succeedContext(stores))
    const dns = yield* startDns("dns-1", yield* diskWith(stores))
    flaky.mode = mode
    const collator = yield* startCollator("collator-1", yield* diskWith(stores))
    yield* TestClock.adjust("10 seconds")
    const choose = Effect.sync(() => Context.get(dns.parts, Steering).choose(demoName, false, here)?.members[0])
    assert.strictEqual(yield* choose, fuji.name)

    yield* setHealthy(false)
    const began = yield* Clock.currentTimeMillis
    const since = Effect.map(Clock.currentTimeMillis, (now) => now - began)
    const official = Context.get(collator.parts, OfficialStatus)
    yield* passUntil("a decision", Effect.map(official.all, (all) => [...all.values()].some(({ up }) => !up)))
    const decided = yield* since
    yield* passUntil("another answer", Effect.map(choose, (member) => member !== fuji.name))
    const answered = yield* since

    // No time passes here: what waited for the store would wait for ever.
    const open = yield* Context.get(collator.parts, OutageLog).open
    yield* Context.get(collator.parts, Alerts).threads
    yield* Context.get(collator.parts, Overrides).list
    assert.lengthOf(open, mode === "hangs" ? 0 : 1)

    flaky.mode = "well"
    yield* TestClock.adjust("2 minutes")
    const outages = yield* outagesOf(stores)
    return {
      decided,
      answered,
      outages: outages.map(({ end, start, target }) => [target.member, start - began, end]),
      told: (yield* collator.told).length
    }
  }).pipe(
    Effect.scoped,
    Effect.provide([MemoryBroker.layer, ScriptedProbes.layer]),
    Effect.provide([TestClock.layer(), Logger.layer([])]),
    Random.withSeed(7)
  )

describe("a store that hangs", () => {
  it.effect("holds up no decision and no answer, and has everything when it works again", () =>
    Effect.gen(function*() {
      const well = yield* fail("well")
      assert.deepStrictEqual(yield* fail("hangs"), well)
      assert.lengthOf(well.outages, 1)
      assert.strictEqual(well.told, 1)
    }), 120_000)
})
