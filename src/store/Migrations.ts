import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { sqliteMigrations } from "./sqliteSchema.ts"
import { BadSchema, databaseError, StoreError } from "./StoreError.ts"

/** Where it is recorded which migrations ran. */
const table = "schema_migrations"

const operation = "migrate the database"
const badSchema = (problem: string): StoreError => new StoreError({ operation, reason: new BadSchema({ problem }) })

const toStoreError = (error: Migrator.MigrationError): StoreError =>
  isSqlError(error.cause)
    ? databaseError(`${operation} (${error.message})`)(error.cause)
    : badSchema(`${error.message}; the database is as it was before`)

/**
 * Brings the database to the tables of this version: in order, each migration once, all in one transaction that holds
 * the write lock, so of two processes that start together one waits. Refuses a database of a newer version.
 */
export const run = Effect.fn("Migrations.run")(function*() {
  const sql = yield* SqlClient.SqlClient
  const migrations = sql.onDialectOrElse({ sqlite: () => sqliteMigrations, orElse: () => undefined })
  if (migrations === undefined) {
    return yield* badSchema(`there are no tables for the driver ${sql.driver}: use SQLite`)
  }
  const ran = yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table }).pipe(
    Effect.catchTag("MigrationError", (error) => Effect.fail(toStoreError(error)))
  )
  const recorded = yield* sql<{ readonly name: string }>`SELECT name FROM ${sql(table)} ORDER BY migration_id`
  const known = new Set(Object.keys(migrations).map((key) => key.replace(/^\d+_/, "")))
  const unknown = recorded.map((row) => row.name).filter((name) => !known.has(name))
  if (unknown.length > 0) {
    return yield* badSchema(
      `a newer version has changed this database (${unknown.join(", ")}): start that version, or use another database`
    )
  }
  if (ran.length > 0 && ran.length < recorded.length) {
    yield* Effect.logInfo("database migrated").pipe(
      Effect.annotateLogs({ migrations: ran.map(([id, name]) => `${id}_${name}`).join(" ") })
    )
  }
}, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError(operation)(error))))

/** The tables are there when this layer is. */
export const layer: Layer.Layer<never, StoreError, SqlClient.SqlClient> = Layer.effectDiscard(run())
