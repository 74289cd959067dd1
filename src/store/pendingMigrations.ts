import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Migration } from "./migration.ts"
import { BadSchema, StoreError } from "./StoreError.ts"

/** Where it is recorded which migrations ran. */
export const table = "schema_migrations"
export const operation = "migrate the database"

/** The tables of the database are not, and could not be made, those of this version. */
export const badSchema = (problem: string): StoreError =>
  new StoreError({ operation, reason: new BadSchema({ problem }) })

/** The names of the migrations that ran; none when there is no record of any. */
export const recorded = SqlClient.SqlClient.use((sql) =>
  Effect.flatMap(
    sql.onDialectOrElse({
      mysql: () =>
        sql`SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table}`,
      orElse: () => sql`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ${table}`
    }),
    (found) =>
      found.length === 0
        ? Effect.succeed([])
        : Effect.map(
          sql<{ readonly name: string }>`SELECT name FROM ${sql(table)} ORDER BY migration_id`,
          (rows) => rows.map((row) => row.name)
        )
  )
)

/** Those that are still to run. Refuses a database of a newer version. */
export const pending = Effect.fnUntraced(function*(all: ReadonlyArray<Migration>) {
  const done = yield* recorded
  const unknown = done.filter((name) => !all.some((migration) => migration.name === name))
  if (unknown.length > 0) {
    return yield* badSchema(
      `a newer version has changed this database (${unknown.join(", ")}): start that version, or use another database`
    )
  }
  if (done.length > 0) yield* checkRestored(done)
  return all.filter(({ name }) => !done.includes(name))
})

/** A dump of v2's tables that was read into a migrated database has put them in the place of ours, and not the record. */
const checkRestored = Effect.fnUntraced(function*(done: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql.onDialectOrElse({
    mysql: () =>
      sql<{ readonly name: string }>`SELECT TABLE_NAME AS name FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND (TABLE_NAME = 'requests' AND COLUMN_NAME = 'id'
          OR TABLE_NAME = 'member_events' AND COLUMN_NAME = 'id' AND NOT EXISTS (
            SELECT 1 FROM information_schema.COLUMNS
            WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'member_events' AND COLUMN_NAME = 'outage_id'))`,
    orElse: () => Effect.succeed([])
  })
  const ours: Readonly<Record<string, string>> = { member_events: "outages", requests: "usage" }
  const restored = found.map(({ name }) => name).filter((name) => done.includes(ours[name] ?? ""))
  if (restored.length === 0) return
  return yield* badSchema(
    `${
      restored.join(" and ")
    } came back from a copy of v2 after the migration, and the other tables did not: read the copy into an empty database`
  )
})
