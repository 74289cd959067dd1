import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CheckType } from "../Target.ts"
import { Flag, Id, List, Text } from "./Field.ts"
import { Certificate, ownKey, Seq } from "./Seal.ts"
import { WireTime } from "./WireTime.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Hash = Schema.String.check(Schema.isMaxLength(64))
const name = Schema.String.check(Schema.isMaxLength(256))

/** Characters of an error text that travel with a status. */
export const maxSnapshotError = 256

/** Voters that travel with a status. */
export const maxSnapshotVotes = 64

const Role = Text.check(Schema.isMaxLength(64))

/**
 * `geodns.v1.status`: a node tells how many targets have an official status and a hash of them (`digest`, answered by
 * nobody), or asks for what the others have (`ask`). Everyone answers a question with its own count and hash; the one
 * that it is addressed `To` gives a page of its entries, from the one with the number `From` on.
 */
export const StatusQuestion = Schema.Struct({
  Type: Schema.Literals(["digest", "ask"]),
  NodeID: Id,
  NodeRole: Role,
  Count,
  Hash,
  To: Schema.optionalKey(Id),
  From: Count.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0)))
})
export type StatusQuestion = typeof StatusQuestion.Type

/** The answer to a {@link StatusQuestion}. `Next` is where to ask on, missing with the last entry. */
export const StatusAnswer = Schema.Struct({
  NodeID: Id,
  NodeRole: Role,
  Count,
  Hash,
  From: Count.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  Next: Schema.optionalKey(Count),
  /** Each a {@link StatusEntry}; one that is none costs only itself. */
  Entries: List(Schema.Unknown)
})
export type StatusAnswer = typeof StatusAnswer.Type

/**
 * The official status of one target: the decision that gave it, and the newest one that said the same (`Newest…`), by
 * which decisions are ordered.
 */
export const StatusEntry = Schema.Struct({
  ID: Id,
  CheckType,
  CheckName: Id,
  MemberName: Id,
  DomainName: name,
  Endpoint: Schema.String.check(Schema.isMaxLength(2_048)),
  IsIPv6: Flag,
  Status: Schema.Boolean,
  ErrorText: Schema.String.check(Schema.isMaxLength(maxSnapshotError)),
  DecidedAt: WireTime,
  DecidedBy: name,
  NewestID: Schema.optionalKey(Id),
  NewestAt: Schema.optionalKey(WireTime),
  Votes: Schema.Record(name, Schema.Boolean).check(Schema.isMaxProperties(maxSnapshotVotes)),
  /**
   * From a node that decides by certificates: the step, and what proves it; then `Votes` are empty. An entry may have
   * nothing but these two. Its `Hash` is over all (target, seq), and has 32 digits.
   */
  Seq: ownKey(Seq),
  Certificate: ownKey(Certificate)
})
export type StatusEntry = typeof StatusEntry.Type
