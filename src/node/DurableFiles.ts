import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A durable file could not be read or written. */
export class DurableFileError extends Schema.TaggedError<DurableFileError>()("DurableFileError", {
  operation: Schema.Literals(["read", "write"]),
  file: Schema.String,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/**
 * The files of a node that must survive kill -9. A write that succeeded is on the disk, and a reader sees the old
 * content or the new, never a part.
 */
export class DurableFiles extends Context.Service<DurableFiles, {
  /** The content, or none when the file was never written. `name` is a plain file name. */
  readonly read: (name: string) => Effect.Effect<Option.Option<string>, DurableFileError>
  readonly write: (name: string, content: string) => Effect.Effect<void, DurableFileError>
}>()("effect-geodns/node/DurableFiles") {}
