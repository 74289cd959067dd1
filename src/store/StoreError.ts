import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { SqlError } from "effect/sql/SqlError"
import { isOutcomeUnknown } from "./mysqlError.ts"
import { retries } from "./statementMetrics.ts"

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

/** Others are in the database, who should not be. */
export class InUse extends Schema.TaggedError<InUse>()("InUse", {
  /** Where each comes from. */
  sessions: Schema.Array(Schema.String)
}) {}

/** Something could not be stored or read. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  reason: Schema.Union([AlreadyOpen, Database, BadRow, BadSchema, InUse])
}) {
  /**
   * Trying again later may help, and does no harm: everything stored has an identity or is an absolute total. So it is also
   * the answer when it is unknown whether a COMMIT took place.
   */
  get isRetryable(): boolean {
    return this.reason._tag === "Database" && (this.reason.error.isRetryable || isOutcomeUnknown(this.reason.error))
  }

  override get message(): string {
    return `cannot ${this.operation}: ${this.problem}`
  }

  /** The message without the operation, for those who say themselves what could not be done. */
  get problem(): string {
    const { reason } = this
    switch (reason._tag) {
      case "AlreadyOpen":
        return `another outage of ${reason.target} is open`
      case "Database":
        return reason.error.message
      case "BadRow":
        return `row ${reason.row} of ${reason.table}: ${reason.problem}`
      case "BadSchema":
        return reason.problem
      case "InUse":
        return `${reason.sessions.length} other ${
          reason.sessions.length === 1 ? "connection uses" : "connections use"
        } the database as the same user (from ${
          reason.sessions.join(", ")
        }): stop the v2 processes and the nodes that write into it first, then try again`
    }
  }
}

/** The error of an operation that the database refused. */
export const databaseError = (operation: string) => (error: SqlError): StoreError =>
  new StoreError({ operation, reason: new Database({ error }) })

/** How often what the server ended for a deadlock is run again: it has rolled everything back. */
const maxDeadlocks = 10

/** Soon, and not in step with the one that won: 10 ms to half a second. */
const afterDeadlock = Schedule.jittered(Schedule.exponential("10 millis", 1.5))

/** Runs a transaction again that lost a deadlock. Only around what means the same when it runs twice. */
export const retryDeadlocks = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>): Effect.Effect<A, E | SqlError, R> =>
  effect.pipe(
    Effect.tapError((error) => isDeadlock(error) ? Metric.update(retries, 1) : Effect.void),
    Effect.retry({ schedule: afterDeadlock, times: maxDeadlocks, while: isDeadlock })
  )

const isDeadlock = (error: unknown): boolean => error instanceof SqlError && error.reason._tag === "DeadlockError"
