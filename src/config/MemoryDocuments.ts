import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type DocumentErrorReason, NotFound } from "./DocumentError.ts"

/** The documents behind `Documents.layerMemory`, for tests to change while everything runs. */
export class MemoryDocuments extends Context.Service<MemoryDocuments, {
  /** From now on the location has this text. */
  readonly set: (location: string, text: string) => Effect.Effect<void>
  /** From now on reading the location fails for this reason. */
  readonly fail: (location: string, reason: DocumentErrorReason) => Effect.Effect<void>
  /** From now on there is nothing at the location. */
  readonly remove: (location: string) => Effect.Effect<void>
  readonly read: (location: string) => Effect.Effect<string, DocumentErrorReason>
}>()("effect-geodns/config/MemoryDocuments") {
  /** Begins with these documents: location → text. */
  static readonly layer = (documents: Readonly<Record<string, string>> = {}): Layer.Layer<MemoryDocuments> =>
    Layer.sync(MemoryDocuments, () => {
      const contents = new Map(
        Object.entries(documents).map(([location, text]) =>
          [location, Effect.succeed(text)] as [
            string,
            Effect.Effect<string, DocumentErrorReason>
          ]
        )
      )
      return MemoryDocuments.of({
        set: (location, text) => Effect.sync(() => void contents.set(location, Effect.succeed(text))),
        fail: (location, reason) => Effect.sync(() => void contents.set(location, Effect.fail(reason))),
        remove: (location) => Effect.sync(() => void contents.delete(location)),
        read: (location) => Effect.suspend(() => contents.get(location) ?? Effect.fail(new NotFound()))
      })
    })
}
