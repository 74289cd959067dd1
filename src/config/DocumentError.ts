import * as Schema from "effect/Schema"

/** There is no such file, or the server says so (404, 410). */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {}

/** It did not come whole in time. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", { seconds: Schema.Finite }) {}

/** The server answered with another status than 200. */
export class BadStatus extends Schema.TaggedError<BadStatus>()("BadStatus", { status: Schema.Int }) {}

/** The document is longer than we take. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { limit: Schema.Int }) {}
/** The reason when a body is longer than that. */
export const tooLarge = (limit: number): TooLarge => new TooLarge({ limit })

/** The file cannot be read, or the server cannot be reached. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { detail: Schema.String }) {}

/** It leads to an address that is not to be reached for it: nothing was sent. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { detail: Schema.String }) {}

/** Why a document could not be read. */
export const DocumentErrorReason = Schema.Union([NotFound, TimedOut, BadStatus, TooLarge, Unreadable, Forbidden])
export type DocumentErrorReason = typeof DocumentErrorReason.Type

/** A document could not be read. `location` is fit to be shown. */
export class DocumentError extends Schema.TaggedError<DocumentError>()("DocumentError", {
  location: Schema.String,
  reason: DocumentErrorReason
}) {
  override get message(): string {
    return `${this.location}: ${this.found} (${this.hint})`
  }

  /** What is there instead of the document. */
  get found(): string {
    switch (this.reason._tag) {
      case "NotFound":
        return "nothing"
      case "TimedOut":
        return `no whole document within ${this.reason.seconds} s`
      case "BadStatus":
        return `the status ${this.reason.status}`
      case "TooLarge":
        return `more than ${this.reason.limit} bytes`
      case "Unreadable":
      case "Forbidden":
        return this.reason.detail
    }
  }

  /** What to do about it. */
  get hint(): string {
    switch (this.reason._tag) {
      case "NotFound":
        return "check the location; a path counts from the place of the local document"
      case "TimedOut":
        return "is the server slow or the network down?"
      case "BadStatus":
        return this.reason.status >= 300 && this.reason.status < 400
          ? "too many redirects, or one without a target: name the final location"
          : this.reason.status === 401 || this.reason.status === 403
          ? "the server wants other credentials"
          : "ask whoever runs the server"
      case "TooLarge":
        return "is this the right location?"
      case "Unreadable":
        return "check that it is there and that this process may read it"
      case "Forbidden":
        return "nothing was sent there"
    }
  }
}
