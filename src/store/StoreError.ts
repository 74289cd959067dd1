import * as Schema from "effect/Schema"
import { SqlError } from "effect/sql/SqlError"

/** Another outage of the same target is open: at most one may be. */
export class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", { target: Schema.String }) {}

/** The database refused or could not be reached. */
export class Database extends Schema.TaggedError<Database>()("Database", { error: Schema.instanceOf(SqlError) }) {}

/** A row does not hold what it should. */
export class BadRow extends Schema.TaggedError<BadRow>()("BadRow", {
  table: Schema.String,
  row: Schema.String,
  problem: Schema.String
}) {}

/** Something could not be stored or read. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  reason: Schema.Union([AlreadyOpen, Database, BadRow])
}) {
  /** Trying again later may help. */
  get isRetryable(): boolean {
    return this.reason._tag === "Database" && this.reason.error.isRetryable
  }
}
