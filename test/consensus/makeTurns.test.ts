import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { makeTurns } from "../../src/consensus/makeTurns.ts"

/** Turns that wait for a latch, and what each of them handled. */
const recorded = Effect.gen(function*() {
  const latch = yield* Latch.make()
  const turns: Array<ReadonlyArray<number>> = []
  const handle = yield* makeTurns<number>((some) =>
    Effect.andThen(Effect.sync(() => void turns.push(some)), latch.await)
  )
  return { handle, latch, turns }
})

describe("makeTurns", () => {
  it.effect("handles what waits together, in order, and no more at once than is good for the others", () =>
    Effect.gen(function*() {
      const { handle, latch, turns } = yield* recorded
      const all = Array.from({ length: 100 }, (_, i) => i)
      const fibers = yield* Effect.forEach(all, (i) => Effect.forkChild(handle([i]), { startImmediately: true }))
      assert.deepStrictEqual(turns, [[0]])
      yield* latch.open
      yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(turns.flat(), all)
      assert.deepStrictEqual(turns.map(({ length }) => length), [1, 32, 32, 32, 3])
    }))

  it.effect("leaves out what is interrupted before its turn, and ends what has begun", () =>
    Effect.gen(function*() {
      const { handle, latch, turns } = yield* recorded
      const [first, second, third] = yield* Effect.forEach(
        [1, 2, 3],
        (i) => Effect.forkChild(handle([i]), { startImmediately: true })
      )
      yield* Fiber.interrupt(second!)
      const ended = yield* Effect.forkChild(Fiber.interrupt(first!), { startImmediately: true })
      yield* latch.open
      yield* Fiber.join(ended)
      yield* Fiber.join(third!)
      assert.deepStrictEqual(turns, [[1], [3]])
    }))
})
