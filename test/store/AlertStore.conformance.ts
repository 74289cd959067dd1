import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Stream } from "effect"
import { AlertStore, type StoreError } from "../../src/store/index.ts"
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
