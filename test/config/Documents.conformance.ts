import { assert, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { Documents } from "../../src/config/Documents.ts"

/** A place where documents can be put, and one where there is none. */
export interface DocumentSource {
  readonly location: string
  readonly missing: string
  readonly put: (text: string) => Effect.Effect<void>
}

/** What every implementation of `Documents` must do. */
export const documentsConformance = <R>(
  source: Effect.Effect<DocumentSource, never, R | Scope.Scope>,
  layer: Layer.Layer<Documents | R>
): void => {
  it.live("reads the newest text, letter by letter", () =>
    Effect.gen(function*() {
      const { location, put } = yield* source
      const documents = yield* Documents
      for (const text of ["{}", "", '{"ünïcødé": "🛰\\n"}\n', "x".repeat(300_000), "[1]"]) {
        yield* put(text)
        assert.strictEqual(yield* documents.read(location), text)
      }
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("nothing there is an error that names the place", () =>
    Effect.gen(function*() {
      const { missing } = yield* source
      const error = yield* Documents.use((documents) => Effect.flip(documents.read(missing)))
      assert.deepStrictEqual([error._tag, error.reason._tag, error.location], ["DocumentError", "NotFound", missing])
      assert.match(error.message, /check the location/)
    }).pipe(Effect.scoped, Effect.provide(layer)))
}
