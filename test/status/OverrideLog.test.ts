import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, PubSub, Ref, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Override } from "../../src/domain/Override.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { OverrideLog } from "../../src/status/OverrideLog.ts"
import { overrideRecordId, overrideRecords } from "../../src/status/overrideRecords.ts"
import { type OverrideChange, Overrides } from "../../src/status/Overrides.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import * as Store from "../../src/store/Store.ts"
import { FlakyStore } from "./flaky.ts"
import { override } from "./overridden.ts"

/** Overrides that the test says, as a node would know them. */
const known = Effect.gen(function*() {
  const all = yield* Ref.make<ReadonlyArray<Override>>([])
  const events = yield* PubSub.unbounded<OverrideChange>()
  const none = yield* Effect.provide(Overrides, Overrides.layerNone)
  return {
    layer: Layer.succeed(Overrides, {
      ...none,
      list: Ref.get(all),
      subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
    }),
    set: (...overrides: ReadonlyArray<Override>) =>
      Ref.set(all, overrides).pipe(
        Effect.andThen(PubSub.publish<OverrideChange>(events, { change: "began", override: overrides[0]! })),
        Effect.andThen(settle)
      )
  }
})
const settle = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 400 }), TestClock.adjust(1))

/** Starts a log over the store in context. */
const start = (overrides: Layer.Layer<Overrides>) =>
  Effect.gen(function*() {
    const store = yield* OutageStore
    const parts = yield* Layer.build(Layer.fresh(
      OverrideLog.layer.pipe(
        Layer.provideMerge(Conditions.layer),
        Layer.provide([overrides, Layer.succeed(OutageStore, store)])
      )
    ))
    yield* settle
    return {
      waiting: Context.get(parts, OverrideLog).waiting,
      conditions: Effect.map(Context.get(parts, Conditions).current, (all) => all.map(({ name }) => name))
    }
  })
const rows = OutageStore.use((store) => Stream.runCollect(store.find({})))
const short = Effect.map(
  rows,
  (all) => all.map(({ end, start, target }) => [target.check, target.member, target.ipv6 ? 6 : 4, start, end])
)
const ended = { at: 5_000, by: "bob", reason: "repaired" }

for (
  const [name, stores] of [
    ["in memory", Store.layerMemory],
    ["in SQLite", Layer.orDie(Store.layerSqlite({ filename: ":memory:" }))]
  ] as const
) {
  describe(`OverrideLog, with a store ${name}`, () => {
    it.effect("keeps a row of each IP version, from the beginning to the end, with who and why", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        const overrides = yield* known
        yield* start(overrides.layer)
        yield* overrides.set(override({ until: 9_000 }))
        assert.deepStrictEqual(yield* short, [
          ["override", "Lagoon", 4, 1_000, undefined],
          ["override", "Lagoon", 6, 1_000, undefined]
        ])
        const [row] = yield* rows
        assert.deepInclude(row, { id: overrideRecordId("o1", false), error: "broken disk", votes: {}, blip: false })
        assert.deepStrictEqual(row!.data, {
          id: "o1",
          author: "ann",
          node: "monitor-1",
          at: "1970-01-01T00:00:01.000Z",
          until: "1970-01-01T00:00:09.000Z",
          ended: null
        })
        yield* overrides.set(override({ until: 9_000, ended }))
        assert.deepStrictEqual(yield* short, [
          ["override", "Lagoon", 4, 1_000, 5_000],
          ["override", "Lagoon", 6, 1_000, 5_000]
        ])
      }).pipe(Effect.provide(stores)))

    it.effect("gives what is known late its own times, and writes nothing of what never held", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        const overrides = yield* known
        yield* start(overrides.layer)
        yield* overrides.set(
          override({ id: "late", kind: "maintenance", until: 7_000 }),
          override({ id: "called off", member: "Harbour", at: 1, from: 6_000, ended }),
          override({ id: "planned", member: "Harbour", at: 1, from: 200_000 })
        )
        assert.deepStrictEqual(yield* short, [
          ["maintenance", "Lagoon", 4, 1_000, 7_000],
          ["maintenance", "Lagoon", 6, 1_000, 7_000]
        ])
      }).pipe(Effect.provide(stores)))

    it.effect("writes no row twice, however many collators and restarts there are", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        const overrides = yield* known
        yield* start(overrides.layer)
        yield* start(overrides.layer)
        yield* overrides.set(override(), override({ id: "o2", member: "Harbour" }))
        const before = yield* short
        assert.lengthOf(before, 4)
        yield* Effect.scoped(start(overrides.layer))
        assert.deepStrictEqual(yield* short, before)
        yield* overrides.set(override({ ended }), override({ id: "o2", member: "Harbour" }))
        yield* Effect.scoped(start(overrides.layer))
        assert.deepStrictEqual((yield* short).filter(([, , , , end]) => end === undefined).length, 2)
        assert.lengthOf(yield* short, 4)
      }).pipe(Effect.provide(stores)))

    it.effect("writes the second of two that overlap when the first is over", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(3_000)
        const overrides = yield* known
        const log = yield* start(overrides.layer)
        const second = override({ id: "o2", at: 2_000 })
        yield* overrides.set(second, override())
        assert.lengthOf(yield* short, 2)
        assert.strictEqual(yield* log.waiting, 2)
        assert.deepStrictEqual(yield* log.conditions, [])
        yield* overrides.set(second, override({ ended }))
        assert.deepStrictEqual((yield* short).map(([, , , start, end]) => [start, end]), [
          [1_000, 5_000],
          [1_000, 5_000],
          [2_000, undefined],
          [2_000, undefined]
        ])
        assert.strictEqual(yield* log.waiting, 0)
      }).pipe(Effect.provide(stores)))

    it.effect("closes a record that nobody knows of any more when it is in the way, but not before others could tell", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(3_000)
        const store = yield* OutageStore
        for (const row of overrideRecords(override({ id: "lost" }), 3_000)) yield* store.open(row)
        const overrides = yield* known
        yield* start(overrides.layer)
        yield* overrides.set(override({ id: "o2", at: 2_000 }))
        yield* TestClock.adjust("9 minutes")
        assert.lengthOf(yield* short, 2)
        yield* TestClock.adjust("3 minutes")
        yield* settle
        const all = yield* short
        assert.lengthOf(all, 4)
        assert.deepStrictEqual(all.filter(([, , , , end]) => end === undefined).map(([, , , start]) => start), [
          2_000,
          2_000
        ])
      }).pipe(Effect.provide(stores)))
  })
}

describe("OverrideLog", () => {
  it.effect("waits for a store that is away, says so, and then writes the true times", () => {
    const store = new FlakyStore()
    return Effect.gen(function*() {
      yield* TestClock.setTime(2_000)
      const overrides = yield* known
      const log = yield* start(overrides.layer)
      store.mode = "away"
      yield* overrides.set(override())
      assert.deepStrictEqual(yield* log.conditions, ["store:overrides"])
      yield* overrides.set(override({ ended }))
      store.mode = "well"
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual(yield* log.conditions, [])
      assert.deepStrictEqual((yield* short).map(([, , , start, end]) => [start, end]), [[1_000, 5_000], [1_000, 5_000]])
    }).pipe(Effect.provide(store.layer))
  })

  for (const mode of ["away", "hangs"] as const) {
    it.effect(`writes after a restart what waited for a store that ${mode === "away" ? "was away" : "hung"}`, () => {
      const store = new FlakyStore()
      return Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        const overrides = yield* known
        store.mode = mode
        yield* Effect.scoped(Effect.gen(function*() {
          const log = yield* start(overrides.layer)
          yield* overrides.set(override({ ended }), override({ id: "o2", member: "Harbour" }))
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(yield* log.waiting, 4)
        }))
        const log = yield* start(overrides.layer)
        yield* TestClock.adjust("31 seconds")
        assert.deepStrictEqual(yield* log.conditions, ["store:overrides"])
        assert.strictEqual(yield* log.waiting, 4)
        store.mode = "well"
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(yield* log.conditions, [])
        assert.deepStrictEqual((yield* short).map(([, member, , start, end]) => [member, start, end]), [
          ["Lagoon", 1_000, 5_000],
          ["Lagoon", 1_000, 5_000],
          ["Harbour", 1_000, undefined],
          ["Harbour", 1_000, undefined]
        ])
      }).pipe(Effect.provide(store.layer))
    })
  }

  it("ids are UUIDs that follow from the override", () => {
    const id = overrideRecordId("o1", false)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.strictEqual(overrideRecordId("o1", false), id)
    assert.notStrictEqual(overrideRecordId("o1", true), id)
    assert.notStrictEqual(overrideRecordId("o2", false), id)
  })
})
