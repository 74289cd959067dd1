import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AlertStore, maxDeadLetters, type StoreError } from "../../src/store/index.ts"
import { awkward } from "./samples.ts"

/** What every implementation of `AlertStore` must do. `layer` gives a new and empty one each time. */
export const alertStoreConformance = (name: string, layer: Layer.Layer<AlertStore, StoreError>): void => {
  const check = (title: string, body: Effect.Effect<void, unknown, AlertStore>) =>
    it.effect(title, () => Effect.provide(body, layer))
  const unfinished = Effect.flatMap(AlertStore, (store) => Stream.runCollect(store.unfinished))

  describe(`AlertStore ${name}`, () => {
    check(
      "keeps the last state of a thread, and lists those that are not finished",
      Effect.gen(function*() {
        const store = yield* AlertStore
        const thread = (outage: string, finished: boolean, state: number) => ({
          outage,
          finished,
          thread: JSON.stringify({ state })
        })
        assert.deepStrictEqual(yield* unfinished, [])
        assert.isUndefined(yield* store.get("o1"))
        yield* store.save(thread("o2", false, 1))
        yield* store.save(thread("o1", false, 1))
        yield* store.save(thread("o1", false, 2))
        assert.deepStrictEqual(yield* unfinished, [thread("o1", false, 2), thread("o2", false, 1)])
        yield* store.save(thread("o1", true, 3))
        assert.deepStrictEqual(yield* unfinished, [thread("o2", false, 1)])
        assert.deepStrictEqual(yield* store.get("o1"), thread("o1", true, 3))
      })
    )

    check(
      "takes awkward texts",
      Effect.gen(function*() {
        const store = yield* AlertStore
        for (const text of awkward) {
          const thread = { outage: text, finished: false, thread: JSON.stringify({ text }) }
          yield* store.save(thread)
          assert.deepStrictEqual(yield* store.get(text), { ...thread, outage: text.trimEnd() })
        }
        yield* store.save({ outage: "a\0b", finished: true, thread: "{}" })
        assert.isTrue((yield* store.get("a\0b"))?.finished)
        assert.lengthOf(yield* unfinished, awkward.length)
      })
    )

    check(
      "takes ids that differ only in spaces at their end for one",
      Effect.gen(function*() {
        const store = yield* AlertStore
        yield* store.save({ outage: "o1", finished: false, thread: "1" })
        yield* store.save({ outage: "o1  ", finished: false, thread: "2" })
        const one = { outage: "o1", finished: false, thread: "2" }
        assert.deepStrictEqual(yield* unfinished, [one])
        assert.deepStrictEqual(yield* store.get("o1 "), one)
        assert.isUndefined(yield* store.get(" o1"))
      })
    )

    check(
      "gives a lease to one holder at a time, until it is over or given back",
      Effect.gen(function*() {
        const store = yield* AlertStore
        const lease = (holder: string, millis = 60_000, name = "duty") => store.lease(name, holder, millis)
        assert.strictEqual(yield* lease("c1"), "c1")
        assert.strictEqual(yield* lease("c2"), "c1")
        assert.strictEqual(yield* lease("c1"), "c1")
        assert.strictEqual(yield* lease("c2", 60_000, "another"), "c2")
        yield* store.release("duty", "c2")
        assert.strictEqual(yield* lease("c2"), "c1")
        yield* store.release("duty", "c1")
        assert.strictEqual(yield* lease("c2", 1), "c2")
        // Where a server has the clock, ours does not count.
        yield* TestClock.withLive(Effect.sleep(30))
        yield* TestClock.adjust(30)
        assert.strictEqual(yield* lease("c1"), "c1")
        assert.strictEqual(yield* lease("c2"), "c1")
      })
    )

    check(
      "gives a lease to one of many who ask at once",
      Effect.gen(function*() {
        const store = yield* AlertStore
        const holders = Array.from({ length: 10 }, (_, i) => `c${i}`)
        const had = yield* Effect.forEach(holders, (holder) => store.lease("duty", holder, 60_000), { concurrency: 10 })
        const last = yield* store.lease("duty", "late", 60_000)
        assert.include(holders, last)
        assert.lengthOf(holders.filter((holder, i) => had[i] === holder), 1)
      })
    )

    check(
      "remembers what a channel needs, and shows it nowhere",
      Effect.gen(function*() {
        const store = yield* AlertStore
        assert.isUndefined(yield* store.kept("matrix"))
        yield* store.keep("matrix", Redacted.make("old"))
        yield* store.keep("matrix", Redacted.make("tøken"))
        const kept = yield* store.kept("matrix")
        assert.strictEqual(Redacted.value(kept!), "tøken")
        assert.notInclude(String(kept) + JSON.stringify(kept), "tøken")
      })
    )

    check(
      "keeps the newest dead letters, one per channel and key",
      Effect.gen(function*() {
        const store = yield* AlertStore
        const letter = (channel: string, key: string, at: number, problem = "gone") => ({
          channel,
          key,
          at,
          problem,
          message: JSON.stringify({ key })
        })
        assert.deepStrictEqual(yield* store.deadLetters, [])
        yield* store.bury(letter("a", "k", 1))
        yield* store.bury(letter("b", "k", 2))
        yield* store.bury(letter("a", "k", 3, "gone \0 again"))
        assert.deepStrictEqual(yield* store.deadLetters, [
          letter("a", "k", 3, "gone \ufffd again"),
          letter("b", "k", 2)
        ])
        yield* Effect.forEach(
          Array.from({ length: maxDeadLetters }, (_, i) => i),
          (i) => store.bury(letter("a", `k${i}`, 10 + i)),
          { discard: true }
        )
        const all = yield* store.deadLetters
        assert.lengthOf(all, maxDeadLetters)
        assert.strictEqual(all.at(-1)?.at, 10)
      })
    )

    check(
      "lists more than a page, in order",
      Effect.gen(function*() {
        const store = yield* AlertStore
        const ids = Array.from({ length: 501 }, (_, i) => `o${String(i).padStart(4, "0")}`)
        yield* Effect.forEach(ids, (outage) => store.save({ outage, finished: false, thread: "{}" }), { discard: true })
        assert.deepStrictEqual((yield* unfinished).map((it) => it.outage), ids)
      })
    )
  })
}
