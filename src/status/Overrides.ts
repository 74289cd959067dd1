import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Override, OverrideKind } from "../domain/Override.ts"

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

/** An override was not given or not ended. */
export class OverrideError extends Schema.TaggedError<OverrideError>()("OverrideError", {
  reason: Schema.Union([UnknownMember, NothingToEnd, InvalidOverride, NotKept, TooMany])
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
    }
  }
}

/** What an operator asks for. */
export interface OverrideRequest {
  readonly kind: OverrideKind
  /** The name or the key of a member. */
  readonly member: string
  readonly reason: string
  readonly author: string
  /** Milliseconds since the epoch; now when missing. */
  readonly from?: number | undefined
  /** Milliseconds since the epoch; until somebody ends it when missing. */
  readonly until?: number | undefined
}

/** What ends. */
export interface EndRequest {
  readonly kind: OverrideKind
  /** The name or the key of a member. */
  readonly member: string
  readonly reason: string
  readonly author: string
}

/** Members that operators took out of service by hand. Every node knows them all, and keeps them across restarts. */
export class Overrides extends Context.Service<Overrides, {
  /** Takes a member out. When it succeeds it is on this node's disk and in force here; other nodes are told at once. */
  readonly add: (request: OverrideRequest) => Effect.Effect<Override, OverrideError>
  /** Ends what is in force or planned for a member, and gives what it ended. */
  readonly end: (request: EndRequest) => Effect.Effect<ReadonlyArray<Override>, OverrideError>
  /** Those in force or planned, and those that ended lately; the newest first. */
  readonly list: Effect.Effect<ReadonlyArray<Override>>
  /** The names of the members that are out now, each with the override that holds longest. */
  readonly active: Effect.Effect<ReadonlyMap<string, Override>>
  /** The same now, and whenever one begins or ends to hold. A slow reader gets the last. */
  readonly changes: Stream.Stream<ReadonlyMap<string, Override>>
}>()("effect-geodns/status/Overrides") {}
