import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Layer, Metric, Ref, References, Scope, Stream } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import type { Place } from "../../src/geo/GeoIp.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
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
  Usage.layerStoringWith(options).pipe(
    Layer.provideMerge([store, Conditions.layer, identity, Layer.fresh(AppendFiles.layerMemory)])
  )

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

  it.effect("counts on the day of the answer, and keeps five weeks at hand", () =>
    Effect.gen(function*() {
      const usage = yield* Usage
      yield* TestClock.setTime(Date.parse("2026-03-01T23:59:59.999Z"))
      usage.record(hit())
      yield* TestClock.adjust("1 millis")
      usage.record(hit())
      usage.record(hit())
      const days = Effect.map(usage.totals, (totals) => totals.map((it) => [it.day, it.hits]))
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 2]])
      yield* usage.flush
      for (let day = 1; day < 36; day++) {
        yield* TestClock.setTime(Date.parse("2026-03-02") + day * 86_400_000)
        yield* usage.flush
      }
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 2]])
      yield* TestClock.setTime(Date.parse("2026-04-07T00:00:01Z"))
      yield* usage.flush
      assert.deepStrictEqual(yield* days, [])
      assert.deepStrictEqual((yield* stored).map((it) => [it.day, it.hits]), [["2026-03-01", 1], ["2026-03-02", 2]])
    }).pipe(Effect.provide(over(UsageStore.layerMemory, { flushEvery: "1000 days" }))))

  it.effect("a clock that is set back over midnight is reported, and believed when it goes on", () =>
    Effect.gen(function*() {
      const usage = yield* Usage
      yield* TestClock.setTime(Date.parse("2026-03-02T00:30:00Z"))
      usage.record(hit())
      // Nobody may be asleep: the test's clock wakes by the wall clock, which the system does not.
      yield* TestClock.adjust("3 seconds")
      yield* TestClock.setTime(Date.parse("2026-03-01T23:30:00Z"))
      usage.record(hit())
      yield* TestClock.adjust("2 seconds")
      const [raised] = yield* conditions
      assert.strictEqual(raised?.name, "usage:clock")
      assert.include(raised?.detail, "3603 s behind where it was going")
      const days = Effect.map(usage.totals, (totals) => totals.map((it) => [it.day, it.hits]))
      assert.deepStrictEqual(yield* days, [["2026-03-02", 2]])
      yield* TestClock.adjust("10 minutes")
      usage.record(hit())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* conditions, [])
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 2]])
      // The second time round the day does not continue its counter from nothing.
      yield* TestClock.adjust("30 minutes")
      usage.record(hit())
      assert.deepStrictEqual(yield* days, [["2026-03-01", 1], ["2026-03-02", 3]])
      yield* usage.flush
      assert.deepStrictEqual((yield* stored).map((it) => [it.day, it.hits]), [["2026-03-01", 1], ["2026-03-02", 3]])
    }).pipe(Effect.provide(over(UsageStore.layerMemory, { flushEvery: "1000 days" }))))

  it.effect("goes on counting in memory when the disk is full, says so, stores it all the same, and writes it later", () =>
    Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const usage = yield* Usage
      yield* disk.setFull(true)
      usage.record(hit())
      usage.record(hit("b.example"))
      yield* TestClock.adjust("2 seconds")
      const [raised] = yield* conditions
      assert.strictEqual(raised?.name, "usage:journal")
      assert.include(raised?.detail, "the disk is full")
      assert.include(raised?.detail, "2 totals")
      yield* usage.flush
      assert.deepStrictEqual(yield* hits, [1, 1])
      yield* disk.setFull(false)
      usage.record(hit())
      yield* TestClock.adjust("7 seconds")
      assert.deepStrictEqual(yield* conditions, [])
      yield* disk.crash({ power: true })
      const next = yield* Layer.build(Layer.fresh(Usage.layer))
      const totals = yield* Effect.provideContext(Usage.use((it) => it.totals), next)
      assert.deepStrictEqual(totals.map((it) => it.hits), [2, 1])
    }).pipe(
      Effect.provide(
        Usage.layerStoring.pipe(
          Layer.provideMerge([UsageStore.layerMemory, Conditions.layer, identity, AppendFiles.layerDisk]),
          Layer.provideMerge(MemoryDisk.layer)
        )
      ),
      Effect.scoped
    ))

  it.effect("needs no store: counts in its journals, through restarts", () =>
    Effect.gen(function*() {
      const run = (answers: number) =>
        Effect.gen(function*() {
          const usage = yield* Usage
          for (let i = 0; i < answers; i++) usage.record(hit())
          assert.strictEqual(yield* usage.flush, 0)
          return (yield* usage.totals).map((it) => it.hits)
        }).pipe(Effect.provide(Layer.fresh(Usage.layer)))
      assert.deepStrictEqual(yield* run(2), [2])
      assert.deepStrictEqual(yield* run(3), [5])
    }).pipe(Effect.provide([AppendFiles.layerMemory, Conditions.layer, identity])))

  it.effect("stores what earlier starts have left, each under its own writer, once", () =>
    Effect.gen(function*() {
      const sent: Array<ReadonlyArray<readonly [string, number]>> = []
      const store = Layer.succeed(
        UsageStore,
        UsageStore.of({
          find: () => Stream.empty,
          upsert: (rows) => Effect.sync(() => void sent.push(rows.map((row) => [row.writer, row.hits])))
        })
      )
      const start = <E, R>(layer: Layer.Layer<Usage, E, R>, answers: number) =>
        Effect.gen(function*() {
          const usage = yield* Usage
          for (let i = 0; i < answers; i++) usage.record(hit())
          yield* usage.flush
        }).pipe(Effect.provide(Layer.fresh(layer)))
      yield* start(Usage.layer, 2)
      yield* start(Usage.layer, 3)
      yield* start(Usage.layerStoring.pipe(Layer.provide(store)), 4)
      const rows = sent.flat()
      assert.deepStrictEqual(rows.map(([, hits]) => hits).sort(), [2, 3, 4])
      assert.strictEqual(new Set(rows.map(([writer]) => writer)).size, 3)
      yield* start(Usage.layerStoring.pipe(Layer.provide(store)), 0)
      assert.lengthOf(sent.flat(), 3)
    }).pipe(Effect.provide([AppendFiles.layerMemory, Conditions.layer, identity])))

  it.effect("stores and tells what was counted under an earlier id under that id", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const store = Layer.succeed(
        UsageStore,
        UsageStore.of({
          find: () => Stream.empty,
          upsert: (rows) => Effect.sync(() => void sent.push(...rows.map(({ hits, node }) => `${node} ${hits}`)))
        })
      )
      const start = (id: string, storing: boolean, answers: number) =>
        Effect.gen(function*() {
          const usage = yield* Usage
          for (let i = 0; i < answers; i++) usage.record(hit())
          yield* usage.flush
          return (yield* usage.totals).map(({ hits, node }) => `${node} ${hits}`).sort()
        }).pipe(
          Effect.provide(Layer.fresh(storing ? Usage.layerStoring.pipe(Layer.provide(store)) : Usage.layer)),
          Effect.provide(NodeIdentity.layerMemory({ id, role: "IBPDns" }))
        )
      yield* start("dns-1", false, 2)
      assert.deepStrictEqual(yield* start("dns-one", true, 3), ["dns-1 2", "dns-one 3"])
      assert.deepStrictEqual(sent.sort(), ["dns-1 2", "dns-one 3"])
    }).pipe(Effect.provide([AppendFiles.layerMemory, Conditions.layer])))

  it.effect("counts as corrections what is stored later than 48 hours after the end of its day", () =>
    Effect.gen(function*() {
      const corrections = Effect.map(
        Metric.snapshot,
        (all) => all.find((it) => it.id === "geodns_usage_corrections_total")?.state ?? { count: 0 }
      )
      const { failing, layer } = yield* flaky
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        yield* TestClock.setTime(Date.parse("2026-03-01T10:00:00Z"))
        yield* Ref.set(failing, true)
        usage.record(hit())
        usage.record(hit("b.example"))
        yield* Effect.flip(usage.flush)
        yield* TestClock.setTime(Date.parse("2026-03-03T10:00:00Z"))
        usage.record(hit("c.example"))
        yield* TestClock.setTime(Date.parse("2026-03-04T00:00:01Z"))
        yield* Ref.set(failing, false)
        assert.strictEqual(yield* usage.flush, 3)
        assert.deepInclude(yield* corrections, { count: 2 })
        usage.record(hit("d.example"))
        yield* usage.flush
        assert.deepInclude(yield* corrections, { count: 2 })
      }).pipe(Effect.provide(over(layer, { flushEvery: "1000 days" })))
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("stores nothing that a power cut could still take from the journal", () =>
    Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const sent = new Map<string, number>()
      const isStoring = yield* Deferred.make<void>()
      let onFirst = Effect.void
      const store = UsageStore.of({
        find: () => Stream.empty,
        upsert: (rows) =>
          Effect.suspend(() => {
            for (const { domain, hits } of rows) sent.set(domain, hits)
            const first = onFirst
            onFirst = Effect.void
            return first
          })
      })
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        // Two batches. While the store takes the first, more comes into the journal than the disk was waited for.
        for (let i = 0; i < 3_000; i++) usage.record(hit(`${i}.example`))
        onFirst = Effect.suspend(() => {
          usage.record(hit("2999.example"))
          return Effect.andThen(Deferred.succeed(isStoring, undefined), Effect.sleep("700 millis"))
        })
        const flush = yield* Effect.forkChild(usage.flush, { startImmediately: true })
        yield* Deferred.await(isStoring)
        for (let i = 0; i < 8; i++) yield* TestClock.adjust("100 millis")
        yield* Fiber.join(flush)
        assert.strictEqual(sent.get("2999.example"), 2)
        yield* disk.crash({ power: true })
        const next = yield* Layer.build(Layer.fresh(Usage.layer))
        const totals = yield* Effect.provideContext(Usage.use((it) => it.totals), next)
        assert.deepStrictEqual(totals.filter(({ domain, hits }) => hits < (sent.get(domain) ?? 0)), [])
        assert.lengthOf(totals, 3_000)
      }).pipe(
        Effect.provide(
          Usage.layerStoringWith({ flushEvery: "1000 days" }).pipe(
            Layer.provide(Layer.succeed(UsageStore, store))
          )
        )
      )
    }).pipe(
      Effect.scoped,
      Effect.provide([Conditions.layer, identity, AppendFiles.layerDisk]),
      Effect.provide(MemoryDisk.layer)
    ))

  it.effect("leaves the journals of a process that lives to that process", () =>
    Effect.gen(function*() {
      const other = yield* Layer.build(Layer.fresh(Usage.layer))
      yield* Effect.provideContext(
        Usage.use((usage) => {
          usage.record(hit())
          return usage.flush
        }),
        other
      )
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        assert.strictEqual(yield* usage.flush, 0)
        assert.deepStrictEqual((yield* usage.totals).map((it) => it.hits), [1])
      }).pipe(Effect.provide(Layer.fresh(Usage.layerStoring)))
    }).pipe(
      Effect.provide([UsageStore.layerMemory, AppendFiles.layerMemory, Conditions.layer, identity]),
      Effect.scoped
    ))

  it.effect("sets a total aside that the database refuses, and stores the others", () =>
    Effect.gen(function*() {
      const memory = yield* UsageStore
      const bad = Layer.succeed(
        UsageStore,
        UsageStore.of({
          find: memory.find,
          upsert: (rows) =>
            rows.some(({ domain }) => domain === "700.example")
              ? Effect.fail(
                databaseError("store usage")(
                  new SqlError.SqlError({
                    reason: new SqlError.UnknownError({ cause: null, message: "no such character" })
                  })
                )
              )
              : memory.upsert(rows)
        })
      )
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        for (let i = 0; i < 3_000; i++) usage.record(hit(`${i}.example`))
        assert.strictEqual(yield* usage.flush, 2_999)
        const [raised] = yield* conditions
        assert.strictEqual(raised?.name, "usage")
        assert.include(raised?.detail, "no such character")
      }).pipe(Effect.provide(over(bad)))
      assert.lengthOf(yield* stored, 2_999)
    }).pipe(Effect.provide(UsageStore.layerMemory)))

  it.effect("gives up soon when the database refuses everything", () =>
    Effect.gen(function*() {
      let attempts = 0
      const bad = Layer.succeed(
        UsageStore,
        UsageStore.of({
          find: () => Stream.empty,
          upsert: () => {
            attempts += 1
            return Effect.fail(
              databaseError("store usage")(
                new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: null, message: "no table" }) })
              )
            )
          }
        })
      )
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        for (let i = 0; i < 5_000; i++) usage.record(hit(`${i}.example`))
        yield* Effect.flip(usage.flush)
        assert.isAtMost(attempts, 250)
      }).pipe(Effect.provide(over(bad)))
    }))

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
      yield* TestClock.setTime(Date.parse("2026-06-10T10:00:00Z"))
      yield* Effect.gen(function*() {
        const usage = yield* Usage
        yield* Ref.set(failing, true)
        usage.record(hit())
        assert.strictEqual(yield* Effect.flip(usage.flush), away)
        const [raised] = yield* conditions
        assert.strictEqual(raised?.name, "usage")
        assert.include(raised?.detail, "the disk is full")
        assert.include(raised?.detail, "it waits in the journals")
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
      assert.strictEqual(total?.node, "x".repeat(160 - 25))
    }).pipe(Effect.provide(
      Usage.layerStoring.pipe(
        Layer.provideMerge([
          AppendFiles.layerMemory,
          Layer.orDie(Store.layerSqlite({ filename: ":memory:" })),
          Conditions.layer,
          NodeIdentity.layerMemory({ id: "x".repeat(256), role: "IBPDns" })
        ])
      )
    )))

  it(
    "stores what was recorded exactly once, but for what kill -9 and power cuts took from the end of the journal",
    () => {
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ _tag: fc.constant("record" as const), name: fc.nat(3) }) },
        { weight: 2, arbitrary: fc.constant({ _tag: "flush" as const }) },
        { weight: 2, arbitrary: fc.boolean().map((failing) => ({ _tag: "store" as const, failing })) },
        { weight: 2, arbitrary: fc.boolean().map((full) => ({ _tag: "disk" as const, full })) },
        { weight: 1, arbitrary: fc.constant({ _tag: "restart" as const }) },
        { weight: 2, arbitrary: fc.boolean().map((power) => ({ _tag: "crash" as const, power })) },
        {
          weight: 2,
          arbitrary: fc.integer({ min: 1, max: 3_000 }).map((millis) => ({ _tag: "time" as const, millis }))
        },
        {
          weight: 1,
          arbitrary: fc.integer({ min: 1, max: 60 }).map((minutes) => ({
            _tag: "time" as const,
            millis: minutes * 60_000
          }))
        }
      )
      return fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
          Effect.gen(function*() {
            const { failing, layer } = yield* flaky
            yield* TestClock.setTime(Date.parse("2026-03-01T23:50:00Z"))
            const disk = yield* MemoryDisk
            const memory = yield* Layer.build(layer)
            const start = Effect.gen(function*() {
              const scope = yield* Scope.make()
              const usage = Layer.fresh(Usage.layerStoring.pipe(
                Layer.provide([Layer.succeedContext(memory), Conditions.layer, identity, AppendFiles.layerDisk])
              ))
              return { scope, usage: yield* Effect.provide(Usage, yield* Layer.buildWithScope(usage, scope)) }
            })
            let process = yield* start
            let recorded = 0
            // What a crash may take: answers of the last 1.5 seconds, or since the disk was full.
            let mayBeLost = 0
            let unwritten: Array<number> = []
            let full = false
            let wasFull = false
            const now = Clock.currentTimeMillis
            for (const it of steps) {
              switch (it._tag) {
                case "record":
                  process.usage.record(hit(`${it.name}.example`))
                  recorded += 1
                  unwritten.push(yield* now)
                  break
                case "flush":
                  yield* Effect.exit(process.usage.flush)
                  if (!full) unwritten = []
                  break
                case "store":
                  yield* Ref.set(failing, it.failing)
                  break
                case "disk":
                  wasFull ||= full
                  full = it.full
                  yield* disk.setFull(full)
                  break
                case "restart":
                  yield* Scope.close(process.scope, Exit.void)
                  if (full) mayBeLost += unwritten.length
                  unwritten = []
                  process = yield* start
                  break
                case "crash": {
                  const dead = process.scope
                  yield* disk.crash({ power: it.power })
                  mayBeLost += unwritten.length
                  unwritten = []
                  process = yield* start
                  // What the dead process would still do is what no dead process does: it finds its files closed.
                  yield* Ref.set(failing, true)
                  yield* Scope.close(dead, Exit.void)
                  yield* Ref.set(failing, false)
                  break
                }
                case "time": {
                  yield* TestClock.adjust(it.millis)
                  const written = (yield* now) - 1_500
                  if (!full) unwritten = unwritten.filter((at) => at > written - (wasFull ? 5_000 : 0))
                  wasFull = full
                }
              }
            }
            yield* disk.setFull(false)
            yield* Ref.set(failing, false)
            yield* process.usage.flush
            yield* Scope.close(process.scope, Exit.void)
            const sum = (yield* Effect.provide(hits, memory)).reduce((all, it) => all + it, 0)
            assert.isAtMost(sum, recorded)
            assert.isAtLeast(sum, recorded - mayBeLost)
          }).pipe(
            Effect.provide([TestClock.layer(), MemoryDisk.layer]),
            Effect.provideService(References.MinimumLogLevel, "None"),
            Effect.scoped,
            Effect.runPromise
          )),
        { numRuns: 100 }
      )
    },
    120_000
  )
})
