import * as Schema from "effect/Schema"
import type { Override } from "../Override.ts"
import { Id, List } from "./Field.ts"
import { noTime, WireTime } from "./WireTime.ts"

/** Characters of a reason, and of the name of an author. */
export const maxReason = 500
export const maxAuthor = 100

/** Text on one line: without control characters, and as every file and database gives it back. */
const line = (min: number, max: number) =>
  Schema.String.check(
    Schema.isMinLength(min),
    Schema.isMaxLength(max),
    Schema.makeFilter<string>((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), { expected: "a line of text" })
  )

/** An override as it travels, and as it is kept. A missing `Until` is the zero time: until somebody ends it. */
export const OverrideRecord = Schema.Struct({
  ID: line(1, 256),
  Kind: Schema.Literals(["override", "maintenance"]),
  Member: line(1, 256),
  Reason: line(1, maxReason),
  Author: line(1, maxAuthor),
  Node: line(1, 256),
  At: WireTime,
  From: WireTime,
  Until: WireTime,
  Ended: Schema.optionalKey(Schema.NullOr(Schema.Struct({
    At: WireTime,
    By: line(1, maxAuthor),
    Reason: line(0, maxReason)
  })))
}).check(
  Schema.makeFilter(
    ({ At, Ended, From, Until }) =>
      At !== noTime && From !== noTime && (Until === noTime || Until > From) && Ended?.At !== noTime,
    { expected: "times that can be: given, beginning, and an end after the beginning" }
  )
)
export type OverrideRecord = typeof OverrideRecord.Type

/**
 * `geodns.v1.override`: what a node knows of overrides, some or, in several messages, all of them. A node whose own set
 * is another than `Digest` tells says what it knows; so all come to know the same.
 */
export const OverrideMessage = Schema.Struct({
  NodeID: Id,
  Overrides: List(OverrideRecord),
  /** Of the whole set of the sender; missing while there is more to come. */
  Digest: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128)))
})
export type OverrideMessage = typeof OverrideMessage.Type

/**
 * `geodns.v1.override.digest`: which set a node has, without the set. On a subject of its own, so that a broker can let
 * nodes ask for the overrides that may not give any.
 */
export const OverrideDigestMessage = Schema.Struct({ NodeID: Id, Digest: Schema.String.check(Schema.isMaxLength(128)) })
export type OverrideDigestMessage = typeof OverrideDigestMessage.Type

/** An override as it goes on the wire. */
export const toOverrideRecord = (it: Override): OverrideRecord => ({
  ID: it.id,
  Kind: it.kind,
  Member: it.member,
  Reason: it.reason,
  Author: it.author,
  Node: it.node,
  At: it.at,
  From: it.from,
  Until: it.until ?? noTime,
  ...it.ended !== undefined && { Ended: { At: it.ended.at, By: it.ended.by, Reason: it.ended.reason } }
})

/** The override of a record. */
export const fromOverrideRecord = (record: OverrideRecord): Override => ({
  id: record.ID,
  kind: record.Kind,
  member: record.Member,
  reason: record.Reason,
  author: record.Author,
  node: record.Node,
  at: record.At,
  from: record.From,
  until: record.Until === noTime ? undefined : record.Until,
  ended: record.Ended ? { at: record.Ended.At, by: record.Ended.By, reason: record.Ended.Reason } : undefined
})
