import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Ref, References, Scope, Stream } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import type { Place } from "../../src/geo/GeoIp.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { Store, StoreError, UsageStore } from "../../src/store/index.ts"
import { databaseError } from "../../src/store/StoreError.ts"
import { type Hit, Usage, type UsageOptions } from "../../src/usage/index.ts"

const place: Place = { location: undefined, country: "DE", countryName: "Germany", asn: "", network: "", prefix: 24 }
const hit = (domain = "rpc.example"): Hit => ({ domain, member: "Potomac Works", place, ipv6: false })

const identity = NodeIdentity.layerMemory({ id: "dns-1", role: "IBPDns" })
const away: StoreError = databaseError("store usage")(
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: null, message: "the disk is full" }) })
)

/** A store that fails when it is told to, and that waits before it stores when it is told to. */
const flaky = Effect.gen(function*() {
  const failing = yield* Ref.make(false)
  const gate = yield* Ref.make<Effect.Effect<void>>(Effect.void)
  const layer = Layer.effect(
    UsageStore,
    Effect.map(UsageStore, (store) =>
      UsageStore.of({
        find: store.find,
        upsert: (rows) =>
          Effect.gen(function*() {
            yield* Effect.flatten(Ref.get(gate))
            if (yield* Ref.get(failing)) return yield* away
            yield* store.upsert(rows)
          })
      }))
  ).pipe(Layer.provide(UsageStore.layerMemory))
  return { failing, gate, layer }
})

const over = <E>(store: Layer.Layer<UsageStore, E>, options: UsageOptions = {}) =>
  Usage.layerWith(options).pipe(Layer.provideMerge([store, Conditions.layer, identity]))

const stored = Effect.flatMap(UsageStore, (store) => Stream.runCollect(store.find({})))
const hits = Effect.map(stored, (totals) => totals.map((it) => it.hits))
const conditions = Effect.flatMap(Conditions, (it) => it.current)

describe("Usage", () => {
  it.effect("stores on its schedule, and only what has changed", () =>
    Effect.gen(function*() {
      const usage = yield* Usage
      usage.record(hit())
      usage.record(hit())
      yield* TestClock.adjust("4 minutes")
      assert.deepStrictEqual(yield* hits, [])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* stored, [{
        day: "1970-01-01",
        node: "dns-1",
        domain: "rpc.example",
        member: "Potomac Works",
        asn: "",
        network: "",
        country: "DE",
        countryName: "Germany",
        ipv6: false,
        hits: 2
      }])
      assert.deepStrictEqual(yield* usage.totals, yield* stored)
      assert.strictEqual(yield* usage.flush, 0)
      usage.record(hit())
      usage.record(hit("other.example"))
      assert.strictEqual(yield* usage.flush, 2)
      assert.deepStrictEqual(yield* hits, [1, 3])
    }).pipe(Effect.provide(over(UsageStore.layerMemory))))

  it.effect("counts on the day of the answer, and keeps yesterday at hand", () =>
    Effect.gen(function*() {
      const usage = yield* Usage
      yield* TestClock.setTime(Date.parse("2026-03-01T23:59:59.999Z"))
      usage.record(hit())
      yield* TestClock.adjust("1 millis")
      usage.record(hit())
      usage.record(hit())
      const days = Effect.map(usage.totals, (totals) => totals.map((it) => [it.day, it.hits]))
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 2]])
      yield* TestClock.setTime(Date.parse("2026-03-02T23:58:00Z"))
      yield* usage.flush
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 2]])
      yield* TestClock.setTime(Date.parse("2026-03-03T00:00:01Z"))
      yield* usage.flush
      assert.deepStrictEqual(yield* days, [["2026-03-02", 2]])
      // A clock that was set back finds its day again.
      yield* TestClock.setTime(Date.parse("2026-03-02T12:00:00Z"))
      usage.record(hit())
      assert.deepStrictEqual(yield* days, [["2026-03-02", 3]])
      yield* usage.flush
      assert.deepStrictEqual((yield* stored).map((it) => [it.day, it.hits]), [["2026-03-01", 1], ["2026-03-02", 3]])
    }).pipe(Effect.provide(over(UsageStore.layerMemory, { flushEvery: "1000 days" }))))

  it.effect("stores what is left when it stops", () =>
    Effect.gen(function*() {
      const store = yield* UsageStore
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        for (let i = 0; i < 6_000; i++) usage.record(hit(`${i}.example`))
      }).pipe(Effect.provide(over(Layer.succeed(UsageStore, store))))
      assert.lengthOf(yield* stored, 6_000)
    }).pipe(Effect.provide(UsageStore.layerMemory)))

  it.effect("keeps everything while the store fails, says so, and stores it later", () =>
    Effect.gen(function*() {
      const { failing, layer } = yield* flaky
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        yield* Ref.set(failing, true)
        usage.record(hit())
        assert.strictEqual(yield* Effect.flip(usage.flush), away)
        const [raised] = yield* conditions
        assert.strictEqual(raised?.name, "usage")
        assert.include(raised?.detail, "the disk is full")
        assert.include(raised?.detail, "1 totals wait")
        usage.record(hit())
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(yield* hits, [])
        yield* Ref.set(failing, false)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(yield* hits, [2])
        assert.deepStrictEqual(yield* conditions, [])
      }).pipe(Effect.provide(over(layer)))
    }))

  it.effect("does not lose what is recorded during a flush, nor what a flush had taken when it was interrupted", () =>
    Effect.gen(function*() {
      const { gate, layer } = yield* flaky
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        const wait = yield* Deferred.make<void>()
        yield* Ref.set(gate, Deferred.await(wait))
        usage.record(hit())
        const cut = yield* Effect.forkChild(usage.flush, { startImmediately: true })
        usage.record(hit())
        yield* Fiber.interrupt(cut)
        const flushing = yield* Effect.forkChild(usage.flush, { startImmediately: true })
        usage.record(hit())
        yield* Deferred.succeed(wait, undefined)
        assert.strictEqual(yield* Fiber.join(flushing), 1)
        assert.deepStrictEqual(yield* hits, [2])
        assert.strictEqual(yield* usage.flush, 1)
        assert.deepStrictEqual(yield* hits, [3])
      }).pipe(Effect.provide(over(layer)))
    }))

  it.effect("a defect of the store does not end the schedule", () =>
    Effect.gen(function*() {
      const { gate, layer } = yield* flaky
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        yield* Ref.set(gate, Effect.die("broken"))
        usage.record(hit())
        yield* TestClock.adjust("5 minutes")
        yield* Ref.set(gate, Effect.void)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(yield* hits, [1])
      }).pipe(Effect.provide(over(layer)))
    }))

  it.effect("does not wait for ever for its store when it stops", () =>
    Effect.gen(function*() {
      const { gate, layer } = yield* flaky
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(over(layer), scope)
      const usage = yield* Effect.provide(Usage, context)
      yield* Ref.set(gate, Effect.never)
      usage.record(hit())
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual((yield* usage.totals).map((it) => it.hits), [1])
    }))

  it.effect("a node id that is too long for its column costs nothing but its end", () =>
    Effect.gen(function*() {
      const usage = yield* Usage
      usage.record(hit())
      assert.strictEqual(yield* usage.flush, 1)
      const [total] = yield* stored
      assert.strictEqual(total?.node, "x".repeat(160 - 17))
    }).pipe(Effect.provide(
      Usage.layer.pipe(
        Layer.provideMerge([
          Layer.orDie(Store.layerSqlite({ filename: ":memory:" })),
          Conditions.layer,
          NodeIdentity.layerMemory({ id: "x".repeat(256), role: "IBPDns" })
        ])
      )
    )))

  it("stores the sum of what was recorded, through failures, restarts and midnight", () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ _tag: fc.constant("record" as const), name: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.constant({ _tag: "flush" as const }) },
      { weight: 2, arbitrary: fc.boolean().map((failing) => ({ _tag: "store" as const, failing })) },
      { weight: 1, arbitrary: fc.constant({ _tag: "restart" as const }) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 1, max: 2_000 }).map((minutes) => ({ _tag: "time" as const, minutes }))
      }
    )
    return fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
        Effect.gen(function*() {
          const { failing, layer } = yield* flaky
          const memory = yield* Layer.build(layer)
          const start = Effect.gen(function*() {
            const scope = yield* Scope.make()
            const usage = Layer.fresh(over(Layer.succeedContext(memory)))
            return { scope, usage: yield* Effect.provide(Usage, yield* Layer.buildWithScope(usage, scope)) }
          })
          let process = yield* start
          let recorded = 0
          for (const it of steps) {
            switch (it._tag) {
              case "record":
                process.usage.record(hit(`${it.name}.example`))
                recorded += 1
                break
              case "flush":
                yield* Effect.exit(process.usage.flush)
                break
              case "store":
                yield* Ref.set(failing, it.failing)
                break
              case "restart":
                yield* Ref.set(failing, false)
                yield* Scope.close(process.scope, Exit.void)
                process = yield* start
                break
              case "time":
                yield* TestClock.adjust(`${it.minutes} minutes`)
            }
          }
          yield* Ref.set(failing, false)
          yield* Scope.close(process.scope, Exit.void)
          const totals = yield* Effect.provide(hits, memory)
          assert.strictEqual(totals.reduce((all, it) => all + it, 0), recorded)
        }).pipe(
          Effect.provide(TestClock.layer()),
          Effect.provideService(References.MinimumLogLevel, "None"),
          Effect.scoped,
          Effect.runPromise
        )),
      { numRuns: 60 }
    )
  })
})
