import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { withProgress } from "../../src/cli/progress.ts"

const screen = (isTTY: boolean, columns = 40) => {
  const written: Array<string> = []
  return { isTTY, columns, written, write: (text: string) => written.push(text) }
}
const clear = "\r\u001b[K"

describe("the progress of long work", () => {
  it.effect("is one line that changes, tells the time each second, and is gone at the end", () =>
    Effect.gen(function*() {
      const terminal = screen(true)
      const work = yield* Effect.forkChild(withProgress((show) =>
        Effect.gen(function*() {
          yield* show("one \u001b[2J")
          yield* Effect.sleep("3500 millis")
          yield* show("a line that is longer than the terminal has columns")
          return 7
        }), terminal))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(terminal.written, [
        `${clear}0 s  one  [2J`,
        `${clear}1 s  one  [2J`,
        `${clear}2 s  one  [2J`
      ])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(work), 7)
      const last = terminal.written.slice(-2)
      assert.strictEqual(last[0], `${clear}3 s  a line that is longer than the te…`)
      assert.strictEqual(last[0]!.length - clear.length, 39)
      assert.strictEqual(last[1], clear)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(terminal.written.at(-1), clear)
    }))

  it.effect("is shown on no file, and the line goes also when the work fails", () =>
    Effect.gen(function*() {
      const file = screen(false)
      yield* withProgress((show) => show("x"), file)
      assert.deepStrictEqual(file.written, [])
      const terminal = screen(true)
      assert.strictEqual(
        yield* Effect.flip(withProgress((show) => Effect.andThen(show("x"), Effect.fail("no")), terminal)),
        "no"
      )
      assert.strictEqual(terminal.written.at(-1), clear)
    }))
})
