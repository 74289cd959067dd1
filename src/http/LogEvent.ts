import * as Schema from "effect/Schema"
import { Target } from "../domain/Target.ts"
import { OverrideStatus } from "./OverrideDocument.ts"

const common = {
  /** When this node saw it. RFC 3339, UTC. */
  at: Schema.String,
  /** Rises by one with every event of this process: `Last-Event-ID` goes on after it. */
  id: Schema.Int
}

/** Node ids. */
const Votes = Schema.Struct({ yes: Schema.Array(Schema.String), no: Schema.Array(Schema.String) })

/**
 * What happened in the cluster, as one node saw it: the events of `GET /api/log`, a stream of server-sent events whose
 * `event` is the tag and whose `data` is this as JSON.
 */
export const LogEvent = Schema.Union([
  Schema.TaggedStruct("Proposed", {
    ...common,
    proposal: Schema.String,
    target: Target,
    up: Schema.Boolean,
    error: Schema.String,
    by: Schema.String
  }),
  Schema.TaggedStruct("Voted", {
    ...common,
    proposal: Schema.String,
    /** Missing when the vote came before its proposal. */
    target: Schema.optionalKey(Target),
    agree: Schema.Boolean,
    by: Schema.String
  }),
  Schema.TaggedStruct("Decided", {
    ...common,
    proposal: Schema.String,
    target: Target,
    up: Schema.Boolean,
    error: Schema.String,
    by: Schema.String,
    votes: Votes
  }),
  Schema.TaggedStruct("Rejected", {
    ...common,
    proposal: Schema.String,
    target: Target,
    up: Schema.Boolean,
    votes: Votes
  }),
  Schema.TaggedStruct("Override", {
    ...common,
    change: Schema.Literals(["given", "began", "ended"]),
    override: OverrideStatus
  })
])
export type LogEvent = typeof LogEvent.Type
