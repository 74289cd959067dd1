import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Outage, OutageEvent } from "../../src/domain/Outage.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { endedAt } from "../../src/status/OpenOutages.ts"
import { type Ending, makeOutageWriter } from "../../src/status/OutageWriter.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import * as Store from "../../src/store/Store.ts"
import type { StoreError } from "../../src/store/StoreError.ts"
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
  decision: { id: `up-${at}`, votes: { "monitor-1": true } },
  step: undefined
})
const never = () => undefined
const minute = 60_000

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

    it.effect("ends no other one with the decision that has ended ours", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        const ours = outage("ours", 1_000)
        const up = ending(ours, 1_500)
        yield* writer.begin(ours, never)
        // Told of the same decision by another node that closed it, at another time.
        yield* store.close("ours", 1_100, false, up.decision)
        yield* store.open(outage("second", 1_200))
        yield* writer.end(up)
        assert.deepStrictEqual(yield* rows, [["ours", 1_000, 1_100, false], ["second", 1_200, undefined, false]])
      }).pipe(Effect.provide([...given])))

    it.effect("does not end one that began before ours by a clock that was set back", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        const ours = outage("ours", 1_000)
        yield* writer.begin(ours, never)
        yield* store.close("ours", 1_100, false)
        yield* store.open(outage("second", 200))
        yield* writer.end(ending(ours, 1_500))
        assert.deepStrictEqual(yield* rows, [["second", 200, undefined, false], ["ours", 1_000, 1_100, false]])
      }).pipe(Effect.provide([...given])))

    it.effect("stores as a whole what only seems to overlap others, by a clock that was set back an hour", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        yield* TestClock.setTime(10 * minute)
        const [first, second, third] = [outage("a", 60 * minute), outage("b", 20 * minute), outage("c", 10 * minute)]
        const whole = [["b", 20 * minute, 65 * minute, false], ["a", 60 * minute, 70 * minute, false]]
        yield* writer.begin(first, () => ending(first, 70 * minute))
        yield* writer.begin(second, () => ending(second, 65 * minute))
        assert.deepStrictEqual(yield* rows, whole)
        // Also beside one that is open, which is not ended by that.
        yield* store.open(third)
        const fourth = outage("d", 50 * minute)
        yield* writer.begin(fourth, () => ending(fourth, 80 * minute))
        assert.deepStrictEqual(yield* rows, [
          ["c", 10 * minute, undefined, false],
          whole[0],
          ["d", 50 * minute, 80 * minute, false],
          whole[1]
        ])
        // Each of them is there once, whatever is tried again.
        yield* writer.begin(first, () => ending(first, 70 * minute))
        yield* writer.begin(fourth, () => ending(fourth, 80 * minute))
        assert.lengthOf(yield* rows, 4)
      }).pipe(Effect.provide([...given])))

    it.effect("takes what another process noticed minutes before or after us, when it ended or may end with ours", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        yield* TestClock.setTime(60 * minute)
        const ours = outage("ours", 20 * minute)
        yield* store.open(outage("theirs", 10 * minute))
        assert.deepStrictEqual(brief(yield* writer.begin(ours, () => ending(ours, 30 * minute))), [
          ["Opened", "theirs", 10 * minute, undefined, false],
          ["Closed", "theirs", 10 * minute, 30 * minute, false]
        ])
        yield* writer.begin(ours, () => ending(ours, 30 * minute + 10_000))
        assert.deepStrictEqual(yield* rows, [["theirs", 10 * minute, 30 * minute, false]])
      }).pipe(Effect.provide([...given])))

    it.effect("takes what began with ours by another id, though it ended at another time, or its end is still to come", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        const [first, second] = [outage("first", 60 * minute), outage("second", 20 * minute)]
        yield* store.open(ending(outage("theirs", 60 * minute + 10_000), 90 * minute).outage)
        yield* store.open(outage("also theirs", 20 * minute - 10_000))
        yield* writer.begin(first, () => ending(first, 70 * minute))
        // Our clock was set back since: by its time the end is in the future.
        yield* writer.begin(second, () => ending(second, 30 * minute))
        assert.deepStrictEqual((yield* rows).map(([id, , end]) => [id, end]), [
          ["also theirs", 30 * minute],
          ["theirs", 90 * minute]
        ])
      }).pipe(Effect.provide([...given])))

    it.effect("knows its own by the id before it looks at times", () =>
      Effect.gen(function*() {
        const writer = yield* writing
        const store = yield* OutageStore
        const [theirs, ours] = [outage("theirs", 1_000), outage("ours", 1_050)]
        yield* store.open(ending(theirs, 1_200).outage)
        yield* store.open(ours)
        assert.deepStrictEqual(brief(yield* writer.begin(ours, () => ending(ours, 1_150))), [
          ["Opened", "ours", 1_050, undefined, false],
          ["Closed", "ours", 1_050, 1_150, false]
        ])
        assert.deepStrictEqual(yield* rows, [["theirs", 1_000, 1_200, false], ["ours", 1_050, 1_150, false]])
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

  for (const mode of ["refuses", "hangs", "away"] as const) {
    it.effect(
      `never takes an answer that it did not get for an answer that none is open: a store that ${
        mode === "away" ? "is away" : mode
      }`,
      () =>
        withStore((store) =>
          Effect.gen(function*() {
            const writer = yield* writing
            yield* writer.begin(outage("a", 1_000), never)
            store.mode = mode
            const reading = yield* Effect.forkChild(writer.open)
            yield* TestClock.adjust("1 hour")
            assert.deepStrictEqual((yield* conditions).map(({ name }) => name), ["store:outages"])
            assert.isUndefined(reading.pollUnsafe())
            store.mode = "well"
            yield* TestClock.adjust("70 seconds")
            assert.deepStrictEqual((yield* Fiber.join(reading)).map(({ id }) => id), ["a"])
            assert.deepStrictEqual(yield* conditions, [])
          })
        )
    )
  }

  /** Lets other things happen in the store before each of its openings. Counts them. */
  const openings = (
    beforeEach: (store: OutageStore["Service"], attempt: number) => Effect.Effect<unknown, StoreError>
  ) =>
    Effect.gen(function*() {
      const store = yield* OutageStore
      let attempts = 0
      const writer = makeOutageWriter({
        conditions: yield* Conditions,
        waiting: () => 1,
        store: {
          ...store,
          open: (...args) =>
            Effect.suspend(() => beforeEach(store, ++attempts)).pipe(Effect.andThen(store.open(...args)))
        }
      })
      return { writer, attempts: () => attempts }
    })

  it.effect("tries five times, no more and no less, what the store refuses", () =>
    withStore((flaky) =>
      Effect.gen(function*() {
        const { attempts, writer } = yield* openings((_, attempt) =>
          Effect.sync(() => {
            flaky.mode = attempt < 5 ? "refuses" : "well"
          })
        )
        const saved = yield* Effect.forkChild(writer.begin(outage("a", 1_000), never))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(brief(yield* Fiber.join(saved)), [["Opened", "a", 1_000, undefined, false]])
        assert.strictEqual(attempts(), 5)
        const refused = yield* openings(() =>
          Effect.sync(() => {
            flaky.mode = "refuses"
          })
        )
        const lost = yield* Effect.forkChild(Effect.flip(refused.writer.begin(outage("b", 1_000), never)))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(lost)
        assert.strictEqual(refused.attempts(), 5)
      })
    ))

  it.effect("opens ours when another was open a moment ago", () =>
    withStore(() =>
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("theirs", 1_000))
        let refused = 0
        const writer = makeOutageWriter({
          conditions: yield* Conditions,
          waiting: () => 1,
          store: {
            ...store,
            // Closed by the other process before we look which one it is.
            open: (...args) =>
              store.open(...args).pipe(Effect.tapError(() => {
                refused++
                return store.close("theirs", 1_500, false)
              }))
          }
        })
        const begun = yield* Effect.forkChild(writer.begin(outage("ours", 2_000), never))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(brief(yield* Fiber.join(begun)), [["Opened", "ours", 2_000, undefined, false]])
        assert.deepStrictEqual(yield* rows, [["theirs", 1_000, 1_500, false], ["ours", 2_000, undefined, false]])
        assert.strictEqual(refused, 1)
      })
    ))

  it.effect("does not hold up all others for one whose target has an open row that cannot be read", () =>
    withStore(() =>
      Effect.gen(function*() {
        const store = yield* OutageStore
        yield* store.open(outage("unreadable", 1_000))
        const writer = makeOutageWriter({
          conditions: yield* Conditions,
          waiting: () => 1,
          // The store leaves such rows out, and still has its unique key.
          store: { ...store, find: () => Stream.empty }
        })
        const begun = yield* Effect.forkChild(Effect.flip(writer.begin(outage("ours", 2_000), never)))
        yield* TestClock.adjust("30 seconds")
        assert.include((yield* Fiber.join(begun)).problem, "cannot be read")
      })
    ))

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
