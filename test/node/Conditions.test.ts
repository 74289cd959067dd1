import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Stream } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { Conditions, maxConditions, maxDetail } from "../../src/node/Conditions.ts"

const captured = () => {
  const lines: Array<string> = []
  return { lines, layer: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

describe("Conditions", () => {
  it.effect("raising again keeps the time and changes the detail; clearing forgets", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      yield* TestClock.setTime(1_000)
      yield* conditions.raise("bus", "lost")
      yield* TestClock.setTime(2_000)
      yield* conditions.raise("bus", "still lost")
      yield* conditions.raise("store", "full")
      assert.deepStrictEqual(yield* conditions.current, [
        { name: "bus", detail: "still lost", since: 1_000 },
        { name: "store", detail: "full", since: 2_000 }
      ])
      yield* conditions.clear("bus")
      yield* conditions.clear("never raised")
      yield* TestClock.setTime(3_000)
      yield* conditions.raise("bus", "lost again")
      assert.deepStrictEqual((yield* conditions.current).map((c) => [c.name, c.since]), [["store", 2_000], [
        "bus",
        3_000
      ]])
    }).pipe(Effect.provide(Conditions.layerMemory)))

  it.effect("is logged when it is new and when it is cleared, not in between", () => {
    const { lines, layer } = captured()
    return Effect.gen(function*() {
      const conditions = yield* Conditions
      yield* conditions.raise("bus", "lost")
      yield* conditions.raise("bus", "lost for longer")
      yield* conditions.clear("bus")
      yield* conditions.clear("bus")
      assert.deepStrictEqual(lines, ["lost", "bus is over"])
    }).pipe(Effect.provide([Conditions.layerMemory, layer]))
  })

  it.effect("readers see the conditions now and after every change, not when nothing changed", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      yield* conditions.raise("a", "1")
      const reader = yield* conditions.changes.pipe(
        Stream.map((all) => all.map((c) => `${c.name}=${c.detail}`).join()),
        Stream.take(3),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* conditions.raise("a", "1")
      yield* conditions.raise("a", "2")
      yield* conditions.clear("a")
      assert.deepStrictEqual(Array.from(yield* Fiber.join(reader)), ["a=1", "a=2", ""])
    }).pipe(Effect.provide(Conditions.layerMemory)))

  it.effect("is bounded in number and length, and counted", () =>
    Effect.gen(function*() {
      const conditions = yield* Conditions
      yield* Effect.forEach(Array.from({ length: maxConditions + 50 }, (_, i) => i), (i) =>
        conditions.raise(`c${i}`, "x".repeat(maxDetail * 3)), { concurrency: "unbounded" })
      const all = yield* conditions.current
      assert.strictEqual(all.length, maxConditions)
      assert.isTrue(all.every((c) =>
        c.detail.length === maxDetail
      ))
      assert.match(yield* PrometheusMetrics.format(), new RegExp(`^geodns_conditions ${maxConditions}$`, "m"))
    }).pipe(Effect.provide([Conditions.layerMemory, captured().layer])))
})
