import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { openPlaces, type Place } from "../../src/dns/openPlaces.ts"
import { Conditions } from "../../src/node/Conditions.ts"

/** A place that can be had while `problem` is undefined; how often it was tried, and what was begun and ended. */
class FakePlace implements Place<string, Error> {
  readonly name: string
  problem: string | undefined
  defect: Error | undefined
  tried = 0
  begun = 0
  ended = 0

  constructor(name: string, problem?: string) {
    this.name = name
    this.problem = problem
  }

  readonly open: Place<string, Error>["open"] = Effect.gen({ self: this }, function*() {
    this.tried++
    yield* Effect.acquireRelease(
      Effect.sync(() => void this.begun++),
      () => Effect.sync(() => void this.ended++)
    )
    if (this.defect !== undefined) throw this.defect
    if (this.problem !== undefined) return yield* Effect.fail(new Error(this.problem))
    return `${this.name} is open`
  })
}

const raised = Conditions.use(({ current }) =>
  Effect.map(current, (all) => all.map(({ detail, name }) => `${name}: ${detail}`))
)
const provided = Effect.provide(Conditions.layerMemory.pipe(Layer.provideMerge(Logger.layer([]))))

describe("openPlaces", () => {
  it.effect("serves on the others when one cannot be had, says which and why, and goes on trying", () =>
    Effect.gen(function*() {
      const [good, bad] = [new FakePlace("good"), new FakePlace("bad", "cannot listen there: it is taken.")]
      const scope = yield* Scope.make()
      const [first, second] = yield* openPlaces([bad, good], false).pipe(Scope.provide(scope))
      assert.deepStrictEqual([first!(), second!()], [undefined, "good is open"])
      assert.deepStrictEqual(yield* raised, [
        "dns:listen:bad: cannot listen there: it is taken. It is tried again every 10 seconds; the other places to ask are served meanwhile."
      ])
      // What failed has left nothing behind.
      assert.deepStrictEqual([bad.begun, bad.ended], [1, 1])
      bad.problem = "cannot listen there: no rights."
      yield* TestClock.adjust("10 seconds")
      assert.include((yield* raised).join(), "no rights")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([bad.tried, bad.ended], [8, 8])
      bad.problem = undefined
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(first!(), "bad is open")
      assert.deepStrictEqual(yield* raised, [])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([bad.tried, bad.ended, good.tried, good.ended], [9, 8, 1, 0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([bad.ended, good.ended], [9, 1])
    }).pipe(provided))

  it.effect("goes on trying after a failure that is not foreseen, and says so", () =>
    Effect.gen(function*() {
      const [good, bad] = [new FakePlace("good"), new FakePlace("bad", "taken.")]
      yield* Effect.scoped(Effect.gen(function*() {
        const [, second] = yield* openPlaces([good, bad], false)
        bad.defect = new Error("ours")
        yield* TestClock.adjust("10 seconds")
        assert.include((yield* raised).join(), "not foreseen")
        bad.defect = undefined
        bad.problem = undefined
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(second!(), "bad is open")
        assert.deepStrictEqual(yield* raised, [])
      }))
      assert.deepStrictEqual([bad.begun, bad.ended], [3, 3])
    }).pipe(provided))

  it.effect("fails with the first when none can be had", () =>
    Effect.gen(function*() {
      const places = [new FakePlace("one", "the first"), new FakePlace("two", "the second")]
      const error = yield* Effect.flip(Effect.scoped(openPlaces(places, false)))
      assert.strictEqual(error.message, "the first")
      assert.deepStrictEqual(places.map(({ ended }) => ended), [1, 1])
      assert.deepStrictEqual(yield* raised, [])
    }).pipe(provided))

  it.effect("goes on trying when none can be had, but others serve", () =>
    Effect.gen(function*() {
      const place = new FakePlace("one", "not yet.")
      yield* Effect.scoped(Effect.gen(function*() {
        const [one] = yield* openPlaces([place], true)
        assert.include((yield* raised).join(), "dns:listen:one: not yet.")
        place.problem = undefined
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(one!(), "one is open")
      }))
      assert.strictEqual(place.ended, 2)
    }).pipe(provided))
})
