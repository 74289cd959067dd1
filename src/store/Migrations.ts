import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import { LockTimeoutError, SqlError } from "effect/sql/SqlError"
import { adopting, countForeignOutages } from "./adoptOutages.ts"
import { create, type Migration, type MigrationAction, RowsDone } from "./migration.ts"
import { changesRows, type MigrateOptions, type MigrationReport, type MigrationStep } from "./MigrationReport.ts"
import { StatementTimeout } from "./MysqlConnection.ts"
import { mysqlMigrations } from "./mysqlMigrations.ts"
import { createMigrations } from "./mysqlSchema.ts"
import { otherSessions } from "./otherSessions.ts"
import { badSchema, operation, pending, recorded, table } from "./pendingMigrations.ts"
import { sqliteMigrations } from "./sqliteSchema.ts"
import { BadSchema, databaseError, InUse, StoreError } from "./StoreError.ts"

export {
  changesRows,
  type MigrateOptions,
  type MigrationProgress,
  type MigrationReport,
  type MigrationStep
} from "./MigrationReport.ts"

/** Until the rows of a large table are counted. */
const countTimeout = Duration.minutes(10)

const nameOf = ({ id, name }: Pick<Migration, "id" | "name">): string => `${String(id).padStart(4, "0")}_${name}`

const stepOf = ({ rows, sql, what }: MigrationAction): MigrationStep => ({ what, sql, rows })

const fromSqlite: ReadonlyArray<Migration> = Object.entries(sqliteMigrations).map(([key, all]) => ({
  id: Number(key.slice(0, 4)),
  name: key.slice(5),
  actions: Effect.succeed(all.map(create))
}))

const record = ({ id, name }: Migration) =>
  SqlClient.SqlClient.use((sql) => sql`INSERT INTO ${sql(table)} (migration_id, name) VALUES (${id}, ${name})`)

/** Does the steps one after the other, and gives what was done. */
const runSteps = (migration: string, actions: ReadonlyArray<MigrationAction>, onProgress: OnProgress) =>
  Effect.forEach(actions, (action) =>
    Effect.gen(function*() {
      const { rows, run, what } = action
      const tell = (done: number) => onProgress({ migration, what, rows, done })
      yield* Effect.logDebug("migrating").pipe(Effect.annotateLogs({ migration, what }))
      yield* tell(0)
      const note = yield* Effect.provideService(run, RowsDone, tell)
      if (note !== undefined) yield* Effect.logInfo(note).pipe(Effect.annotateLogs({ migration }))
      return { ...stepOf(action), ...(note !== undefined && { note }) }
    }))

type OnProgress = NonNullable<MigrateOptions["onProgress"]>

const runOne = Effect.fnUntraced(
  function*(migration: Migration, onProgress: OnProgress) {
    const steps = yield* runSteps(nameOf(migration), yield* migration.actions, onProgress)
    yield* record(migration)
    return { migration: nameOf(migration), steps } satisfies MigrationReport
  },
  (effect, migration) =>
    Effect.catchTag(
      effect,
      "SqlError",
      (error) => Effect.fail(databaseError(`${operation} (migration ${nameOf(migration)})`)(error))
    )
)

/** What v2 processes have written since: it is taken over whenever somebody migrates. */
const foreignRows = (minimumOffline: number) =>
  Effect.map(
    countForeignOutages,
    ({ closed, unknown }): ReadonlyArray<MigrationAction> =>
      closed + unknown === 0 ? [] : [adopting(
        "take over the rows of member_events that v2 processes have written or closed since the migration",
        closed + unknown,
        minimumOffline
      )]
  )

const planOf = Effect.fnUntraced(function*(all: ReadonlyArray<Migration>) {
  return yield* Effect.forEach(
    yield* pending(all),
    (migration) =>
      Effect.map(migration.actions, (actions): MigrationReport => ({
        migration: nameOf(migration),
        steps: actions.map(stepOf)
      }))
  )
})

const rowsOfV2 = "rows of v2"

/** {@link foreignRows}, in a database that is migrated. */
const planTakeOver = (minimumOffline: number) =>
  Effect.map(
    foreignRows(minimumOffline),
    (actions): ReadonlyArray<MigrationReport> =>
      actions.length === 0 ? [] : [{ migration: rowsOfV2, steps: actions.map(stepOf) }]
  )

const takeOver = Effect.fnUntraced(function*(minimumOffline: number, onProgress: OnProgress) {
  const actions = yield* foreignRows(minimumOffline)
  if (actions.length === 0) return []
  return [{ migration: rowsOfV2, steps: yield* runSteps(rowsOfV2, actions, onProgress) }]
})

/**
 * Who must be stopped before a plan is carried out, by where they come from: others in the database with the same user, if
 * it changes rows. Nobody for SQLite, which has a lock, and for rows that v2 has left in our tables: nodes go on then.
 */
export const inTheWay = (
  plan: ReadonlyArray<MigrationReport>
): Effect.Effect<ReadonlyArray<string>, StoreError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) =>
    sql.onDialectOrElse({
      mysql: () =>
        changesRows(plan.filter(({ migration }) => migration !== rowsOfV2)) ? otherSessions : Effect.succeed([]),
      orElse: () => Effect.succeed([])
    })
  ).pipe(Effect.mapError(databaseError("look who uses the database")))

const checkAlone = (all: ReadonlyArray<Migration>) =>
  Effect.gen(function*() {
    const sessions = yield* inTheWay(yield* planOf(all))
    if (sessions.length > 0) return yield* new StoreError({ operation, reason: new InUse({ sessions }) })
  })

/** In SQLite all is one transaction that holds the write lock from its beginning. */
const inSqlite = (onProgress: OnProgress) =>
  SqlClient.SqlClient.use((sql) =>
    sql.withTransaction(Effect.gen(function*() {
      yield* sql`CREATE TABLE IF NOT EXISTS ${sql(table)} (
      migration_id integer PRIMARY KEY NOT NULL,
      created_at datetime NOT NULL DEFAULT current_timestamp,
      name VARCHAR(255) NOT NULL
    )`
      return yield* Effect.forEach(yield* pending(fromSqlite), (migration) => runOne(migration, onProgress))
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
const inMysql = (all: ReadonlyArray<Migration>, minimumOffline: number, alone: boolean, onProgress: OnProgress) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.scoped(Effect.gen(function*() {
      const connection = yield* sql.reserve
      return yield* Effect.gen(function*() {
        const name = sql.literal("CONCAT('geodns ', LEFT(DATABASE(), 50))")
        const [lock] = yield* sql<{ readonly taken: number | null }>`
          SELECT GET_LOCK(${name}, ${sql.literal(String(lockSeconds))}) AS taken`
        if (lock?.taken !== 1) return yield* Effect.fail(locked)
        return yield* Effect.gen(function*() {
          if (alone) yield* checkAlone(all)
          const todo = yield* pending(all)
          // A user who may not make tables can be enough when there is nothing to make.
          if (todo.length > 0) yield* sql.unsafe(createMigrations)
          const done = yield* Effect.forEach(todo, (migration) => runOne(migration, onProgress))
          return [...done, ...(yield* takeOver(minimumOffline, onProgress))]
          // An interrupted statement takes the connection with it, and the lock.
        }).pipe(Effect.ensuring(Effect.ignore(sql`SELECT RELEASE_LOCK(${name})`)))
      }).pipe(Effect.provideService(sql.transactionService, [connection, 0]))
    })).pipe(Effect.provideService(StatementTimeout, Duration.hours(6)))
  )

const migrationsFor = Effect.fnUntraced(function*(minimumOffline: number) {
  const sql = yield* SqlClient.SqlClient
  const mysql = mysqlMigrations(minimumOffline)
  const all = sql.onDialectOrElse({ sqlite: () => fromSqlite, mysql: () => mysql, orElse: () => undefined })
  return all ?? (yield* badSchema(`there are no tables for the driver ${sql.driver}: use SQLite, MySQL or MariaDB`))
})

const migrateWith = Effect.fn("Migrations.migrate")(function*(options: MigrateOptions) {
  const { alone = false, minimumOffline = 900_000, onProgress = () => Effect.void } = options
  const all = yield* migrationsFor(minimumOffline)
  if (options.dryRun === true) {
    return yield* Effect.gen(function*() {
      const todo = yield* planOf(all)
      return todo.length > 0 || all === fromSqlite ? todo : yield* planTakeOver(minimumOffline)
    }).pipe(Effect.provideService(StatementTimeout, countTimeout))
  }
  const before = yield* recorded
  const done = yield* (all === fromSqlite ? inSqlite(onProgress) : inMysql(all, minimumOffline, alone, onProgress))
  if (
    done.length > 0 && (before.length > 0 || changesRows(done))
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

const use = "use the database"

/**
 * Looks whether the database has the tables of this version, and changes nothing. For those who only read: they would be
 * told of a column that is not there.
 */
export const check: Effect.Effect<void, StoreError, SqlClient.SqlClient> = Effect.gen(function*() {
  const missing = yield* pending(yield* migrationsFor(0))
  if (missing.length === 0) return
  return yield* new StoreError({
    operation: use,
    reason: new BadSchema({
      problem: "it does not have the tables of this version yet: geodns store migrate --dry-run says what is to be done"
    })
  })
}).pipe(Effect.catchTag("SqlError", (error) => Effect.fail(databaseError(use)(error))))
