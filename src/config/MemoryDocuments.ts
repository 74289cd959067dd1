import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { type DocumentErrorReason, NotFound } from "./DocumentError.ts"

/** The documents behind `Documents.layerMemory`, for tests to change while everything runs. */
export class MemoryDocuments extends Context.Service<MemoryDocuments, {
  /** From now on the location has this text. */
  readonly set: (location: string, text: string) => Effect.Effect<void>
  /** From now on reading the location fails for this reason. */
  readonly fail: (location: string, reason: DocumentErrorReason) => Effect.Effect<void>
  /** From now on there is nothing at the location. */
  readonly remove: (location: string) => Effect.Effect<void>
  /** Lets those who watch the location know that it changed. */
  readonly touch: (location: string) => Effect.Effect<void>
  /** The locations that are touched, from now on. */
  readonly touched: Stream.Stream<string>
  readonly read: (location: string) => Effect.Effect<string, DocumentErrorReason>
}>()("effect-geodns/config/MemoryDocuments") {
  /** Begins with these documents: location → text. */
  static readonly layer = (documents: Readonly<Record<string, string>> = {}): Layer.Layer<MemoryDocuments> =>
    Layer.effect(
      MemoryDocuments,
      Effect.gen(function*() {
        const touches = yield* PubSub.sliding<string>(64)
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
          touch: (location) => Effect.asVoid(PubSub.publish(touches, location)),
          touched: Stream.fromPubSub(touches),
          read: (location) => Effect.suspend(() => contents.get(location) ?? Effect.fail(new NotFound()))
        })
      })
    )
}
