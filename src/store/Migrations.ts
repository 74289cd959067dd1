import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { LockTimeoutError, SqlError } from "effect/sql/SqlError"
import { adoptOutages, countForeignOutages } from "./adoptOutages.ts"
import type { Migration, MigrationAction } from "./migration.ts"
import { StatementTimeout } from "./MysqlConnection.ts"
import { mysqlMigrations } from "./mysqlMigrations.ts"
import { createMigrations } from "./mysqlSchema.ts"
import { sqliteMigrations } from "./sqliteSchema.ts"
import { BadSchema, databaseError, StoreError } from "./StoreError.ts"

/** Where it is recorded which migrations ran. */
const table = "schema_migrations"
const operation = "migrate the database"

/** How to migrate. */
export interface MigrateOptions {
  /** Only says what would be done, and changes nothing. */
  readonly dryRun?: boolean
  /** Milliseconds: outages of v2 that were shorter are marked as blips. 900,000. */
  readonly minimumOffline?: number
}

/** What a migration has done or, in a dry run, would do. */
export interface MigrationReport {
  readonly migration: string
  readonly steps: ReadonlyArray<{
    /** The statement, or in a sentence what is done. */
    readonly what: string
    /** How many rows it touches, where that is known. */
    readonly rows: number | undefined
  }>
}

/** The tables of the database are not, and could not be made, those of this version. */
const badSchema = (problem: string): StoreError => new StoreError({ operation, reason: new BadSchema({ problem }) })

const reportOf = (migration: Migration, actions: ReadonlyArray<MigrationAction>): MigrationReport => ({
  migration: `${String(migration.id).padStart(4, "0")}_${migration.name}`,
  steps: actions.map(({ rows, what }) => ({ what: what.replace(/\s+/g, " "), rows }))
})

const statements = (all: ReadonlyArray<string>): Migration["actions"] =>
  Effect.succeed(all.map((text) => ({
    what: text,
    rows: undefined,
    run: SqlClient.SqlClient.use((sql) => sql.unsafe(text).unprepared)
  })))

const fromSqlite: ReadonlyArray<Migration> = Object.entries(sqliteMigrations).map(([key, all]) => ({
  id: Number(key.slice(0, 4)),
  name: key.slice(5),
  actions: statements(all)
}))

/** The names of the migrations that ran; none when there is no record of any. */
const recorded = SqlClient.SqlClient.use((sql) =>
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
const pending = Effect.fnUntraced(function*(all: ReadonlyArray<Migration>) {
  const done = yield* recorded
  const unknown = done.filter((name) => !all.some((migration) => migration.name === name))
  if (unknown.length > 0) {
    return yield* badSchema(
      `a newer version has changed this database (${unknown.join(", ")}): start that version, or use another database`
    )
  }
  return all.filter(({ name }) => !done.includes(name))
})

const record = ({ id, name }: Migration) =>
  SqlClient.SqlClient.use((sql) => sql`INSERT INTO ${sql(table)} (migration_id, name) VALUES (${id}, ${name})`)

const runOne = Effect.fnUntraced(
  function*(migration: Migration) {
    const actions = yield* migration.actions
    for (const { run, what } of actions) {
      yield* Effect.logDebug("migrating").pipe(Effect.annotateLogs({ migration: migration.name, what }))
      yield* run
    }
    yield* record(migration)
    return reportOf(migration, actions)
  },
  (effect, migration) =>
    Effect.mapError(effect, databaseError(`${operation} (migration ${migration.id}_${migration.name})`))
)

/** What v2 processes have written since: it is taken over whenever somebody migrates. */
const foreignRows = (minimumOffline: number) =>
  Effect.map(
    countForeignOutages,
    ({ closed, unknown }): ReadonlyArray<MigrationAction> =>
      closed + unknown === 0 ? [] : [{
        what: "take over the rows of member_events that v2 processes have written or closed since the migration",
        rows: closed + unknown,
        run: adoptOutages(minimumOffline)
      }]
  )

const dryRun = Effect.fnUntraced(function*(all: ReadonlyArray<Migration>) {
  return yield* Effect.forEach(
    yield* pending(all),
    (migration) => Effect.map(migration.actions, (actions) => reportOf(migration, actions))
  )
})

/** {@link foreignRows}, in a database that is migrated. */
const takeOver = Effect.fnUntraced(function*(minimumOffline: number, dry: boolean) {
  const actions = yield* foreignRows(minimumOffline)
  if (actions.length === 0) return []
  if (!dry) yield* Effect.forEach(actions, ({ run }) => run, { discard: true })
  return [{ migration: "rows of v2", steps: actions.map(({ rows, what }) => ({ what, rows })) }]
})

/** In SQLite all is one transaction that holds the write lock from its beginning. */
const inSqlite = SqlClient.SqlClient.use((sql) =>
  sql.withTransaction(Effect.gen(function*() {
    yield* sql`CREATE TABLE IF NOT EXISTS ${sql(table)} (
      migration_id integer PRIMARY KEY NOT NULL,
      created_at datetime NOT NULL DEFAULT current_timestamp,
      name VARCHAR(255) NOT NULL
    )`
    return yield* Effect.forEach(yield* pending(fromSqlite), runOne)
  }))
)

/** How long another process may hold the lock before we say so, in seconds. */
const lockSeconds = 10

const locked = new SqlError({
  reason: new LockTimeoutError({
    cause: undefined,
    operation,
    message: "another process is migrating the database: wait until it is done"
  })
})

/**
 * MySQL commits with every change of a table, so each migration is made of steps that can be taken up again. All run on
 * one connection that holds a lock of the server's: when it breaks, the lock goes with it, and nothing more is run.
 */
const inMysql = (all: ReadonlyArray<Migration>, minimumOffline: number) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* sql.reserve
      return yield* Effect.gen(function*() {
        const name = sql.literal("CONCAT('geodns ', LEFT(DATABASE(), 50))")
        const [lock] = yield* sql<{ readonly taken: number | null }>`
          SELECT GET_LOCK(${name}, ${sql.literal(String(lockSeconds))}) AS taken`
        if (lock?.taken !== 1) return yield* Effect.fail(locked)
        return yield* Effect.gen(function*() {
          yield* sql.unsafe(createMigrations)
          const done = yield* Effect.forEach(yield* pending(all), runOne)
          return [...done, ...(yield* takeOver(minimumOffline, false))]
          // An interrupted statement takes the connection with it, and the lock.
        }).pipe(Effect.ensuring(Effect.ignore(sql`SELECT RELEASE_LOCK(${name})`)))
      }).pipe(Effect.provideService(sql.transactionService, [connection, 0]))
    })).pipe(Effect.provideService(StatementTimeout, Duration.hours(6)))
  )

const migrateWith = Effect.fn("Migrations.migrate")(function*(options: MigrateOptions) {
  const sql = yield* SqlClient.SqlClient
  const minimumOffline = options.minimumOffline ?? 900_000
  const mysql = mysqlMigrations(minimumOffline)
  const all = sql.onDialectOrElse({ sqlite: () => fromSqlite, mysql: () => mysql, orElse: () => undefined })
  if (all === undefined) {
    return yield* badSchema(`there are no tables for the driver ${sql.driver}: use SQLite, MySQL or MariaDB`)
  }
  if (options.dryRun === true) {
    const todo = yield* dryRun(all)
    return todo.length > 0 || all === fromSqlite ? todo : yield* takeOver(minimumOffline, true)
  }
  const before = yield* recorded
  const done = yield* (all === fromSqlite ? inSqlite : inMysql(all, minimumOffline))
  if (
    done.length > 0 && (before.length > 0 || done.some(({ steps }) => steps.some(({ rows }) => rows !== undefined)))
  ) {
    yield* Effect.logInfo("database migrated").pipe(
      Effect.annotateLogs({ migrations: done.map(({ migration }) => migration).join(" ") })
    )
  }
  return done
}, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError(operation)(error))))

/**
 * Brings the database to the tables of this version, from nothing, an older version or, in MySQL, from v2: in order, each
 * migration once, recorded, under a lock, so of two processes that start together one waits. Interrupted, it goes on where
 * it was. Gives what was done, or in a dry run what would be.
 */
export const migrate = (
  options: MigrateOptions = {}
): Effect.Effect<ReadonlyArray<MigrationReport>, StoreError, SqlClient.SqlClient> => migrateWith(options)

/** {@link migrate}, where nobody asks what was done. */
export const run = (): Effect.Effect<void, StoreError, SqlClient.SqlClient> => Effect.asVoid(migrate())

/** The tables are there when this layer is. */
export const layer: Layer.Layer<never, StoreError, SqlClient.SqlClient> = Layer.effectDiscard(run())
