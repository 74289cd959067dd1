import * as Schema from "effect/Schema"
import { SqlError } from "effect/sql/SqlError"

/** Another outage of the same target is open: at most one may be. */
export class AlreadyOpen extends Schema.TaggedError<AlreadyOpen>()("AlreadyOpen", { target: Schema.String }) {}

/** The database refused or could not be reached. */
export class Database extends Schema.TaggedError<Database>()("Database", { error: Schema.instanceOf(SqlError) }) {}

/** A row does not hold what it should, or something given does not fit into a row. */
export class BadRow extends Schema.TaggedError<BadRow>()("BadRow", {
  table: Schema.String,
  row: Schema.String,
  problem: Schema.String
}) {}

/** The tables of the database are not, and could not be made, those of this version. */
export class BadSchema extends Schema.TaggedError<BadSchema>()("BadSchema", { problem: Schema.String }) {}

/** Something could not be stored or read. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  reason: Schema.Union([AlreadyOpen, Database, BadRow, BadSchema])
}) {
  /** Trying again later may help. */
  get isRetryable(): boolean {
    return this.reason._tag === "Database" && this.reason.error.isRetryable
  }

  override get message(): string {
    const { reason } = this
    switch (reason._tag) {
      case "AlreadyOpen":
        return `${this.operation}: another outage of ${reason.target} is open`
      case "Database":
        return `${this.operation}: ${reason.error.message}`
      case "BadRow":
        return `${this.operation}: row ${reason.row} of ${reason.table}: ${reason.problem}`
      case "BadSchema":
        return `${this.operation}: ${reason.problem}`
    }
  }
}

/** The error of an operation that the database refused. */
export const databaseError = (operation: string) => (error: SqlError): StoreError =>
  new StoreError({ operation, reason: new Database({ error }) })
