import { assert, it } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

const badNames = ["", ".", "..", ".hidden", "a/b", "../a", "/etc/passwd", "a\\b", "a\u0000b", "a\nb", "x".repeat(201)]

/** What every implementation of `DurableFiles` must do. */
export const durableFilesConformance = (layer: () => Layer.Layer<DurableFiles>): void => {
  it.live("a file that was never written is none", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      assert.deepStrictEqual(yield* files.read("state.json"), Option.none())
    }).pipe(Effect.provide(layer())))

  it.live("reads what was written last, whatever the text", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      for (const content of ["first", "", "ünïcødé 🛰\n\u0000", "x".repeat(3_000_000), "last"]) {
        yield* files.write("state.json", content)
        assert.deepStrictEqual(yield* files.read("state.json"), Option.some(content))
      }
      yield* files.write("other name.json", "other")
      assert.deepStrictEqual(yield* files.read("state.json"), Option.some("last"))
    }).pipe(Effect.provide(layer())))

  it.live("writes of one name land in the order they came, whole", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      const versions = Array.from({ length: 40 }, (_, i) => String(i).repeat(1 + (40 - i) * 500))
      yield* Effect.forEach(versions, (content) => files.write("state.json", content), {
        concurrency: "unbounded",
        discard: true
      })
      assert.deepStrictEqual(yield* files.read("state.json"), Option.some(versions.at(-1)!))
    }).pipe(Effect.provide(layer())))

  it.live("a name that is no plain file name is refused", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      for (const name of badNames) {
        const reading = yield* Effect.flip(files.read(name))
        const writing = yield* Effect.flip(files.write(name, "x"))
        assert.deepStrictEqual([reading._tag, reading.operation], ["DurableFileError", "read"])
        assert.deepStrictEqual([writing._tag, writing.operation], ["DurableFileError", "write"])
        assert.match(writing.message, /a file name must not/)
      }
    }).pipe(Effect.provide(layer())))
}
