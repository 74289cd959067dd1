import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { makePace } from "../../src/consensus/makePace.ts"

describe("makePace", () => {
  it.effect("lets a burst pass at once, and the rest at its rate", () =>
    Effect.gen(function*() {
      const pace = yield* makePace({ most: 1_000, perSecond: 100 })
      for (let i = 0; i < 100; i++) yield* pace(10)
      let passed = 0
      const one = Effect.andThen(pace(1), Effect.sync(() => passed++))
      yield* Effect.forkChild(Effect.forever(one), { startImmediately: true })
      assert.strictEqual(passed, 0)
      for (let i = 0; i < 1_000; i++) yield* TestClock.adjust(10)
      assert.isAtLeast(passed, 450)
      assert.isAtMost(passed, 1_000)
    }))

  it.effect("lets more than there ever is pass all the same, and makes up for it", () =>
    Effect.gen(function*() {
      const pace = yield* makePace({ most: 100, perSecond: 10 })
      yield* pace(200)
      let isNext = false
      yield* Effect.forkChild(Effect.andThen(pace(1), Effect.sync(() => isNext = true)), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(isNext)
      yield* TestClock.adjust("1 second")
      assert.isTrue(isNext)
    }))
})
