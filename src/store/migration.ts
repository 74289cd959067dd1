import type * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** One thing that a migration does, found out by looking at the database. */
export interface MigrationAction {
  /** The statement, or in a sentence what a batch does. */
  readonly what: string
  /** How many rows it touches, where that is known and not none. */
  readonly rows: number | undefined
  readonly run: Effect.Effect<unknown, SqlError, SqlClient.SqlClient>
}

/**
 * A migration. `actions` gives what is still to be done, in order: it is asked again after an interruption, and gives the
 * rest then.
 */
export interface Migration {
  readonly id: number
  readonly name: string
  readonly actions: Effect.Effect<ReadonlyArray<MigrationAction>, SqlError, SqlClient.SqlClient>
}
