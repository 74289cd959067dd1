import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { AppendFiles } from "../../src/node/AppendFiles.ts"

const records = (name: string) => Effect.flatMap(AppendFiles, (files) => Stream.runCollect(files.read(name)))
const append = (name: string, ...texts: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* (yield* AppendFiles).open(name)
    yield* file.append(texts)
    yield* file.sync
    return file.size()
  }))

/** What every layer of `AppendFiles` does. */
export const appendFilesConformance = (layer: () => Layer.Layer<AppendFiles>): void => {
  it.effect("keeps records in order, over several openings", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      assert.deepStrictEqual(yield* files.list, [])
      assert.deepStrictEqual(yield* records("a.log"), [])
      const one = yield* append("a.log", "one", "", "zwei ü")
      const two = yield* append("a.log", "three")
      assert.isAbove(two, one)
      assert.deepStrictEqual(yield* records("a.log"), ["one", "", "zwei ü", "three"])
      assert.deepStrictEqual(yield* files.list, ["a.log"])
    }).pipe(Effect.provide(layer())))

  it.effect("renames a file that is open over another, and removes", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      yield* append("a.log", "old")
      const next = yield* files.open("b.log")
      yield* next.append(["new"])
      yield* files.rename("b.log", "a.log")
      yield* next.append(["newer"])
      assert.deepStrictEqual(yield* records("a.log"), ["new", "newer"])
      assert.deepStrictEqual(yield* files.list, ["a.log"])
      assert.strictEqual((yield* Effect.flip(files.rename("none.log", "x.log")))._tag, "DurableFileError")
      yield* files.remove("a.log")
      yield* files.remove("a.log")
      assert.deepStrictEqual(yield* files.list, [])
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.effect("reads while somebody writes", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      const file = yield* files.open("a.log")
      yield* file.append(["one"])
      assert.deepStrictEqual(yield* records("a.log"), ["one"])
      yield* Effect.all([file.append(["two", "three"]), file.append(["four"])], { concurrency: 2 })
      assert.deepStrictEqual(yield* records("a.log"), ["one", "two", "three", "four"])
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.effect("takes plain names only", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      for (const name of ["", "../a", ".hidden", "a/b"]) {
        assert.include((yield* Effect.flip(files.open(name))).message, JSON.stringify(name))
        assert.include((yield* Effect.flip(Stream.runDrain(files.read(name)))).message, JSON.stringify(name))
      }
    }).pipe(Effect.scoped, Effect.provide(layer())))

  it.effect("locks for one scope at a time", () =>
    Effect.gen(function*() {
      const files = yield* AppendFiles
      yield* Effect.scoped(Effect.gen(function*() {
        yield* files.lock("a.lock", "one")
        const refused = yield* Effect.flip(Effect.scoped(files.lock("a.lock", "two")))
        assert.strictEqual(refused.reason._tag, "Held")
        yield* Effect.scoped(files.lock("b.lock", "another"))
      }))
      yield* Effect.scoped(files.lock("a.lock", "three"))
    }).pipe(Effect.provide(layer())))
}
