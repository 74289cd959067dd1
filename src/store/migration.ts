import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** One thing that a migration does, found out by looking at the database. */
export interface MigrationAction {
  /** In words. */
  readonly what: string
  /** The statements; of what is done in batches those of one, with what differs from batch to batch as `<…>`. */
  readonly sql: ReadonlyArray<string>
  /** How many rows it touches, where that is known and not none. */
  readonly rows: number | undefined
  /** Does it. What the operator should hear of it is the result, in a sentence. */
  readonly run: Effect.Effect<string | undefined, SqlError, SqlClient.SqlClient>
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

/** Is told by what works in batches how many rows it has done so far. */
export const RowsDone = Context.Reference<(rows: number) => Effect.Effect<void>>(
  "effect-geodns/store/migration/RowsDone",
  { defaultValue: () => () => Effect.void }
)

/** What one statement does, in words. */
export const statement = (what: string, text: string, rows?: number): MigrationAction => ({
  what,
  sql: [text],
  rows,
  run: SqlClient.SqlClient.use((sql) => Effect.as(sql.unsafe(text).unprepared, undefined))
})

/** {@link statement}, of one that makes a table or an index, or adds a column, and says so itself. */
export const create = (text: string): MigrationAction => {
  const [, table, column] = /^ALTER TABLE (\w+) ADD COLUMN (\w+)/.exec(text) ?? []
  if (table !== undefined) return statement(`add the column ${column} to ${table}`, text)
  const [, unique = "", kind = "", name = "", of = ""] =
    /^CREATE (UNIQUE )?(TABLE|INDEX) (?:IF NOT EXISTS )?(\w+)(?: ON (\w+))?/.exec(text) ?? []
  return statement(
    `make the ${unique.toLowerCase()}${kind.toLowerCase()} ${name}${of === "" ? "" : ` on ${of}`}`,
    text
  )
}
