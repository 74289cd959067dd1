import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Outage, OutageEvent } from "../../src/domain/Outage.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { endedAt } from "../../src/status/OpenOutages.ts"
import { type Ending, makeOutageWriter } from "../../src/status/OutageWriter.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import * as Store from "../../src/store/Store.ts"
import { target, targetNamed } from "./fixtures.ts"
import { FlakyStore } from "./flaky.ts"

const outage = (id: string, start: number, of = target): Outage => ({
  id,
  target: of,
  start,
  end: undefined,
  error: "connection refused",
  data: null,
  votes: {},
  blip: false
})
const ending = (of: Outage, at: number): Ending => ({
  outage: endedAt(of, at, 100),
  decision: { id: `up-${at}`, votes: { "monitor-1": true } }
})
const never = () => undefined

/** A writer over the store in context. */
const writing = Effect.gen(function*() {
  const store = yield* OutageStore
  const conditions = yield* Conditions
  return makeOutageWriter({ store, conditions, waiting: () => 7 })
})
const rows = OutageStore.use((store) => Stream.runCollect(store.find({}))).pipe(
  Effect.map((all) => all.map(({ blip, end, id, start }) => [id, start, end, blip]))
)
const decisions = (id: string) =>
  OutageStore.use((store) => store.decisions(id)).pipe(Effect.map((all) => all.map(({ id }) => id)))
const conditions = Effect.flatMap(Conditions, ({ current }) => current)
const brief = (events: ReadonlyArray<OutageEvent>) =>
  events.map(({ _tag, outage: { blip, end, id, start } }) => [_tag, id, start, end, blip])

for (
  const [name, stores] of [
    ["in memory", Store.layerMemory],
    ["in SQLite", Layer.orDie(Store.layerSqlite({ filename: ":memory:" }))]
  ] as const
) {
  describe(`OutageWriter, with a store ${name}`, () => {
    const given = [Conditions.layer, stores, Logger.layer([])] as const

    it.effect("opens and closes", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const one = outage("a", 1_000)
        assert.deepStrictEqual(brief(yield* writer.begin(one, never)), [["Opened", "a", 1_000, undefined, false]])
        assert.deepStrictEqual(yield* writer.open, [one])
        assert.deepStrictEqual(brief(yield* writer.end(ending(one, 1_050))), [["Closed", "a", 1_000, 1_050, true]])
        assert.deepStrictEqual(yield* rows, [["a", 1_000, 1_050, true]])
        assert.deepStrictEqual(yield* decisions("a"), ["a", "up-1050"])
      }).pipe(Effect.provide([...given])))

    it.effect("stores what is over as a whole, once, with both decisions, and tells both", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const one = outage("a", 1_000)
        const both = [["Opened", "a", 1_000, undefined, false], ["Closed", "a", 1_000, 1_200, false]]
        for (let i = 0; i < 2; i++) {
          assert.deepStrictEqual(brief(yield* writer.begin(one, () => ending(one, 1_200))), both)
          assert.deepStrictEqual(yield* rows, [["a", 1_000, 1_200, false]])
          assert.deepStrictEqual(yield* decisions("a"), ["a", "up-1200"])
        }
        // Those before and after it are others.
        const [before, after] = [outage("b", 900), outage("c", 1_200)]
        yield* writer.begin(before, () => ending(before, 1_000))
        yield* writer.begin(after, () => ending(after, 1_300))
        assert.deepStrictEqual(yield* rows, [["b", 900, 1_000, false], ["a", 1_000, 1_200, false], [
          "c",
          1_200,
          1_300,
          false
        ]])
      }).pipe(Effect.provide([...given])))

    it.effect("takes what another process has stored by another id for the same, open or closed", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        yield* store.open(outage("theirs", 990))
        assert.deepStrictEqual(brief(yield* writer.begin(outage("ours", 1_000), never)), [
          ["Opened", "theirs", 990, undefined, false]
        ])
        const ours = outage("ours", 1_000)
        assert.deepStrictEqual(brief(yield* writer.begin(ours, () => ending(ours, 1_200))), [
          ["Opened", "theirs", 990, undefined, false],
          ["Closed", "theirs", 990, 1_200, false]
        ])
        assert.deepStrictEqual(brief(yield* writer.begin(ours, () => ending(ours, 1_210))), [
          ["Opened", "theirs", 990, undefined, false],
          ["Closed", "theirs", 990, 1_200, false]
        ])
        assert.deepStrictEqual(yield* rows, [["theirs", 990, 1_200, false]])
      }).pipe(Effect.provide([...given])))

    it.effect("ends what another process has opened after it closed ours, but not what began later", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        const ours = outage("ours", 1_000)
        yield* writer.begin(ours, never)
        yield* store.close("ours", 1_100, false)
        yield* store.open(outage("second", 1_200))
        yield* writer.end(ending(ours, 1_150))
        assert.deepStrictEqual(yield* rows, [["ours", 1_000, 1_100, false], ["second", 1_200, undefined, false]])
        yield* writer.end(ending(ours, 1_500))
        assert.deepStrictEqual(yield* rows, [["ours", 1_000, 1_100, false], ["second", 1_200, 1_500, false]])
      }).pipe(Effect.provide([...given])))

    it.effect("leaves the records of overrides out of what is open", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const site = { ...target, checkType: "site", check: "override", domain: "", endpoint: "" } as const
        yield* OutageStore.use((store) => store.open(outage("record", 1, site)))
        yield* OutageStore.use((store) => store.open(outage("a", 2)))
        assert.deepStrictEqual((yield* writer.open).map(({ id }) => id), ["a"])
      }).pipe(Effect.provide([...given])))
  })
}

describe("OutageWriter", () => {
  const withStore = <A, E>(test: (store: FlakyStore) => Effect.Effect<A, E, OutageStore | Conditions>) => {
    const store = new FlakyStore()
    return test(store).pipe(Effect.provide([store.layer, Conditions.layer, Logger.layer([])]))
  }

  for (const mode of ["away", "hangs"] as const) {
    it.effect(`tries until a store that ${mode === "away" ? "is away is back" : "hangs answers"}, and says how much waits`, () =>
      withStore((store) =>
        Effect.gen(function*() {
          const writer = yield* writing
          store.mode = mode
          const one = outage("a", 1_000)
          let end: Ending | undefined
          const begun = yield* Effect.forkChild(writer.begin(one, () => end))
          yield* TestClock.adjust("10 minutes")
          const [condition] = yield* conditions
          assert.strictEqual(condition?.name, "store:outages")
          assert.include(condition?.detail, "7 changes of status wait")
          // What is known by the time of an attempt counts.
          end = ending(one, 2_000)
          store.mode = "well"
          // The attempt that hangs, and the longest pause.
          yield* TestClock.adjust("70 seconds")
          assert.deepStrictEqual(brief(yield* Fiber.join(begun)).map(([tag]) => tag), ["Opened", "Closed"])
          assert.deepStrictEqual(yield* conditions, [])
          assert.deepStrictEqual(yield* rows, [["a", 1_000, 2_000, false]])
        })
      ))
  }

  it.effect("gives up what the store refuses within half a minute, so that others are not held up for long", () =>
    withStore((store) =>
      Effect.gen(function*() {
        const writer = yield* writing
        store.mode = "refuses"
        const begun = yield* Effect.forkChild(Effect.flip(writer.begin(outage("a", 1_000), never)))
        yield* TestClock.adjust("30 seconds")
        const trouble = yield* Fiber.join(begun)
        assert.deepInclude(trouble, { isRefusal: true })
        assert.include(trouble.problem, "check failed")
        assert.deepStrictEqual(yield* conditions, [])
      })
    ))

  it.effect("gives up what does not fit into a row, and what makes the store fail in a way that nobody thought of", () =>
    withStore(() =>
      Effect.gen(function*() {
        const writer = yield* writing
        const strange = outage("a", Number.NaN)
        const begun = yield* Effect.forkChild(Effect.flip(writer.begin(strange, never)))
        yield* TestClock.adjust("30 seconds")
        assert.isTrue((yield* Fiber.join(begun)).isRefusal)
        const store = yield* OutageStore
        const broken = makeOutageWriter({
          store: { ...store, open: () => Effect.die(new Error("no such thing")) },
          conditions: yield* Conditions,
          waiting: () => 1
        })
        const failed = yield* Effect.forkChild(Effect.flip(broken.begin(outage("b", 1, targetNamed("b")), never)))
        yield* TestClock.adjust("30 seconds")
        assert.include((yield* Fiber.join(failed)).problem, "no such thing")
      })
    ))

  it.effect("closes what an attempt has opened that it had given up already", () =>
    Effect.gen(function*() {
      const store = Context.get(yield* Layer.build(OutageStore.layerMemory), OutageStore)
      const one = outage("a", 1_000)
      let finds = 0
      const writer = makeOutageWriter({
        conditions: yield* Conditions,
        waiting: () => 1,
        store: {
          ...store,
          // The first attempt reaches the table only after the second has looked.
          find: (query) =>
            Stream.unwrap(Effect.gen(function*() {
              const found = yield* Stream.runCollect(store.find(query))
              if (finds++ === 0) yield* store.open(one)
              return Stream.fromIterable(found)
            }))
        }
      })
      yield* writer.begin(one, () => ending(one, 1_200))
      assert.deepStrictEqual((yield* Stream.runCollect(store.find({}))).map(({ end, id }) => [id, end]), [["a", 1_200]])
    }).pipe(Effect.scoped, Effect.provide(Conditions.layer)))
})
