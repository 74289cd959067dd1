import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"
import { keepLastHealthy } from "../../src/steering/keepLastHealthy.ts"

describe("keeping the members that were healthy last", () => {
  it.effect("writes again what could not be written, without news", () => {
    let full = true
    const written: Array<string> = []
    const files = Layer.succeed(DurableFiles, {
      read: () => Effect.succeedNone,
      write: (file, content) =>
        full
          ? Effect.fail(new DurableFileError({ operation: "write", file, message: "disk full", cause: undefined }))
          : Effect.sync(() => void written.push(content))
    })
    return Effect.gen(function*() {
      let isDirty = true
      const take = () => {
        if (!isDirty) return undefined
        isDirty = false
        return "news"
      }
      yield* keepLastHealthy(take, () => {
        isDirty = true
      })
      yield* TestClock.adjust("10 seconds")
      full = false
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(written, ["news"])
      const conditions = yield* Conditions
      assert.deepStrictEqual(yield* conditions.current, [])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(files, Conditions.layerMemory)))
  })
})
