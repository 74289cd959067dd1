import * as Schema from "effect/Schema"

/** There is no such file. */
export class MissingFile extends Schema.TaggedError<MissingFile>()("MissingFile", {
  path: Schema.String,
  /** What should be in it. */
  of: Schema.optionalKey(Schema.Literals(["key", "roster"]))
}) {}

/** The file is there, and cannot be read. */
export class UnreadableFile extends Schema.TaggedError<UnreadableFile>()("UnreadableFile", {
  path: Schema.String,
  problem: Schema.String
}) {}

/** The file cannot be written, or must not be as it is there already. */
export class UnwritableFile extends Schema.TaggedError<UnwritableFile>()("UnwritableFile", {
  path: Schema.String,
  problem: Schema.String
}) {}

/** The file holds no key that we can sign with. */
export class NotAKey extends Schema.TaggedError<NotAKey>()("NotAKey", {
  path: Schema.String,
  problem: Schema.String
}) {}

/** Others than the owner may read or write the file of a private key. */
export class RightsTooOpen extends Schema.TaggedError<RightsTooOpen>()("RightsTooOpen", {
  path: Schema.String,
  /** The rights in octal digits, as `644`. */
  mode: Schema.String
}) {}

/** The file holds something else than a roster. */
export class NotARoster extends Schema.TaggedError<NotARoster>()("NotARoster", {
  path: Schema.String,
  problem: Schema.String
}) {}

/** The file holds no roster that can be used. */
export class BadRoster extends Schema.TaggedError<BadRoster>()("BadRoster", {
  path: Schema.String,
  problems: Schema.Array(Schema.String)
}) {}

const makers = {
  key: '"geodns keys new" makes a private key',
  roster: '"geodns roster new" begins a roster'
}

/** Something about keys and rosters does not do. It never holds a secret. */
export class SealError extends Schema.TaggedError<SealError>()("SealError", {
  reason: Schema.Union([MissingFile, UnreadableFile, UnwritableFile, NotAKey, RightsTooOpen, NotARoster, BadRoster])
}) {
  override get message(): string {
    const { reason } = this
    switch (reason._tag) {
      case "MissingFile":
        return `${reason.path}: there is no such file${reason.of === undefined ? "" : `. ${makers[reason.of]}`}`
      case "UnreadableFile":
        return `${reason.path} cannot be read: ${reason.problem}`
      case "UnwritableFile":
        return `${reason.path} was not written: ${reason.problem}`
      case "NotAKey":
        return `${reason.path} is not the file of a private key: ${reason.problem}. "geodns keys new" makes one`
      case "RightsTooOpen":
        return `${reason.path}: others may read this private key (its mode is ${reason.mode}). ` +
          `Run: chmod 600 ${reason.path}, and make a new key if somebody may have read it`
      case "NotARoster":
        return `${reason.path} is not a roster: ${reason.problem}`
      case "BadRoster":
        return [`${reason.path} is not a roster that can be used:`, ...reason.problems.map((text) => `  ${text}`)]
          .join("\n")
    }
  }
}
