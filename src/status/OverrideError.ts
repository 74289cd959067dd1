import * as Schema from "effect/Schema"

/** The members document has no member of this name or key. */
export class UnknownMember extends Schema.TaggedError<UnknownMember>()("UnknownMember", {
  member: Schema.String,
  /** The nearest known name. */
  hint: Schema.optionalKey(Schema.String)
}) {}

/** There is nothing of this kind to end for the member. */
export class NothingToEnd extends Schema.TaggedError<NothingToEnd>()("NothingToEnd", {
  member: Schema.String,
  /** The members document itself takes the member out: only editing it brings the member back. */
  byDocument: Schema.Boolean
}) {}

/** What was asked for makes no sense: an end before the beginning, no reason, a text that is too long. */
export class InvalidOverride extends Schema.TaggedError<InvalidOverride>()("InvalidOverride", {
  detail: Schema.String
}) {}

/** It could not be written to the disk, and so was not taken. */
export class NotKept extends Schema.TaggedError<NotKept>()("NotKept", { detail: Schema.String }) {}

/** There are too many. */
export class TooMany extends Schema.TaggedError<TooMany>()("TooMany", { limit: Schema.Int }) {}

/** A node in shadow mode takes part in nothing. */
export class InShadow extends Schema.TaggedError<InShadow>()("InShadow", {}) {}

/** An override was not given or not ended. */
export class OverrideError extends Schema.TaggedError<OverrideError>()("OverrideError", {
  reason: Schema.Union([UnknownMember, NothingToEnd, InvalidOverride, NotKept, TooMany, InShadow])
}) {
  override get message(): string {
    switch (this.reason._tag) {
      case "UnknownMember":
        return `no member is called ${JSON.stringify(this.reason.member)}${
          this.reason.hint === undefined ? "" : `; did you mean ${JSON.stringify(this.reason.hint)}?`
        }`
      case "NothingToEnd":
        return this.reason.byDocument
          ? `${this.reason.member} is taken out by the members document (Override): only editing it brings the member back`
          : `nothing is in force or planned for ${this.reason.member}`
      case "InvalidOverride":
        return this.reason.detail
      case "NotKept":
        return `not taken, since it could not be kept on the disk: ${this.reason.detail}`
      case "TooMany":
        return `there are ${this.reason.limit} overrides and planned maintenances already; end some first`
      case "InShadow":
        return "this node is in shadow mode and takes part in nothing: nobody would hear of it; ask another node"
    }
  }
}
