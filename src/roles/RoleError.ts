import * as Schema from "effect/Schema"

/** The local document does not say all that the role needs. */
export class Incomplete extends Schema.TaggedError<Incomplete>()("Incomplete", { detail: Schema.String }) {}

/** A file that the local document names cannot be used. */
export class BadFile extends Schema.TaggedError<BadFile>()("BadFile", {
  /** The setting that names it. */
  setting: Schema.String,
  file: Schema.String,
  detail: Schema.String
}) {}

/** A role cannot start as its local document has it. */
export class RoleError extends Schema.TaggedError<RoleError>()("RoleError", {
  reason: Schema.Union([Incomplete, BadFile])
}) {
  override get message(): string {
    const { reason } = this
    return reason._tag === "Incomplete"
      ? reason.detail
      : `${reason.setting}: ${reason.file} cannot be used: ${reason.detail}`
  }
}
