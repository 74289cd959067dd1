/**
 * A driver for `SqlClient` of `effect/sql` over `node:sqlite`, in the shape of Effect's own drivers, until one of those
 * runs on this version of Effect.
 *
 * One connection, used by one statement or transaction at a time, on the thread of the caller: `node:sqlite` is
 * synchronous. Streams are read in short slices with room for the event loop between them; a single statement is not
 * sliced, so statements that touch many rows belong into pages. A worker thread can take the place of `Connection`
 * without a change for anybody else.
 *
 * What was committed survives kill -9 always. A power cut may take the last commits, those that the system had not yet
 * written, unless `synchronous` is `full`; it never damages the file.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { existsSync, mkdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import { nodeSqlite } from "./nodeSqlite.ts"
import { classify, isBusy, openError } from "./sqliteError.ts"

/** How to open a database. */
export interface SqliteClientConfig {
  /** A path, whose folder is created when it is missing, or `:memory:`. */
  readonly filename: string
  /** How long a statement waits for the lock of another process; the event loop runs on meanwhile. 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * `normal` (the default) waits for the disk at checkpoints only. `full` waits on every commit, so that a power cut takes
   * nothing that was acknowledged, as far as the disk keeps what it reports as written; but a busy disk then holds up the
   * whole process, for a tenth of a second and more: not beside a DNS server.
   */
  readonly synchronous?: "full" | "normal" | undefined
}

type TransformRows = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

/** Statements that stay prepared. */
const maxPrepared = 100
/** How long statements may run, one after the other, before the event loop gets a turn. */
const turnMillis = 4
/** Rows of a stream that are read without giving way to the event loop. */
const sliceRows = 100

const statementMillis = Metric.histogram("geodns_store_statement_ms", {
  description: "How long SQL statements took, without the wait for a lock",
  boundaries: [0.25, 1, 4, 16, 64, 256, 1024]
})
const lockWaits = Metric.counter("geodns_store_lock_waits_total", {
  description: "How often a statement found the database locked by another process and tried again",
  incremental: true
})

const bind = (param: unknown): SQLInputValue => {
  if (typeof param === "boolean") return param ? 1 : 0
  if (param instanceof Date) return param.toISOString()
  return (param ?? null) as SQLInputValue
}

/** Keeps the statements used last prepared. */
const makePrepare = (db: DatabaseSync): (sql: string) => StatementSync => {
  const cache = new Map<string, StatementSync>()
  return (sql) => {
    const known = cache.get(sql)
    const statement = known ?? db.prepare(sql)
    if (known !== undefined) cache.delete(sql)
    else if (cache.size >= maxPrepared) cache.delete(cache.keys().next().value!)
    cache.set(sql, statement)
    return statement
  }
}

/** Not `recursive`: that never returns where the system denies a folder with ENOENT, as /proc does. */
const makeFolder = (folder: string): void => {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process was quicker.
    if (!existsSync(folder)) throw error
  }
}

const open = (config: SqliteClientConfig): DatabaseSync => {
  const { DatabaseSync } = nodeSqlite()
  if (config.filename !== ":memory:") makeFolder(dirname(resolve(config.filename)))
  const db = new DatabaseSync(config.filename, { timeout: 0 })
  try {
    db.exec("PRAGMA journal_mode = WAL")
    db.exec(`PRAGMA synchronous = ${config.synchronous === "full" ? "FULL" : "NORMAL"}`)
    db.exec("PRAGMA foreign_keys = ON")
    // A file that cannot be written must say so now, and not at the first outage.
    db.exec("BEGIN IMMEDIATE; ROLLBACK")
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** A client that lives as long as the scope. Fails when the file cannot be opened and written, saying why. */
export const make = Effect.fnUntraced(function*(config: SqliteClientConfig) {
  const busyTimeout = config.busyTimeout ?? "5 seconds"

  const patient = Schedule.spaced("5 millis").pipe(
    Schedule.upTo({ duration: busyTimeout }),
    Schedule.tap(() => Metric.update(lockWaits, 1))
  )
  const whenUnlocked = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.retry(effect, { schedule: patient, while: (error) => isBusy(error.reason.cause) })

  const db = yield* Effect.acquireRelease(
    whenUnlocked(Effect.try({ try: () => open(config), catch: (cause) => openError(config.filename, cause) })),
    (db) => Effect.sync(() => db.close())
  )

  // Statements that follow each other closely would hold the thread together, however short each of them is.
  let heldMillis = 0
  const giveWay = Effect.suspend(() => {
    if (heldMillis < turnMillis) return Effect.void
    heldMillis = 0
    return Effect.yieldNow
  })

  const attempt = <A>(operation: string, f: () => A): Effect.Effect<A, SqlError> =>
    whenUnlocked(Effect.flatMap(Clock.Clock, (clock) => {
      const start = clock.monotonicTimeNanosUnsafe()
      return Effect.try({ try: f, catch: (cause) => new SqlError({ reason: classify(cause, operation) }) }).pipe(
        Effect.ensuring(Effect.suspend(() => {
          const millis = Number(clock.monotonicTimeNanosUnsafe() - start) / 1e6
          heldMillis += millis
          return Effect.andThen(Metric.update(statementMillis, millis), giveWay)
        }))
      )
    }))

  const prepare = makePrepare(db)
  const rows = (
    prepared: (sql: string) => StatementSync,
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows,
    asArrays: boolean
  ): Effect.Effect<ReadonlyArray<any>, SqlError> =>
    attempt("execute a statement", () => {
      const statement = prepared(sql)
      statement.setReturnArrays(asArrays)
      const values = params.map(bind)
      if (statement.columns().length === 0) {
        statement.run(...values)
        return []
      }
      const result = statement.all(...values)
      return transformRows === undefined ? result : transformRows(result)
    })
  const once = (sql: string): StatementSync => db.prepare(sql)

  // An iterator that has ended must not be asked again: the statement would begin anew.
  const slice = (iterator: Iterator<Record<string, unknown>>) => {
    const found: Array<Record<string, unknown>> = []
    let done = false
    while (!done && found.length < sliceRows) {
      const next = iterator.next()
      if (next.done === true) done = true
      else found.push(next.value)
    }
    return { found, done }
  }

  const connection: SqlConnection.Connection = {
    execute: (sql, params, transformRows) => rows(prepare, sql, params, transformRows, false),
    executeRaw: (sql, params) =>
      attempt("execute a statement", () => {
        const statement = prepare(sql)
        statement.setReturnArrays(false)
        return statement.run(...params.map(bind))
      }),
    executeValues: (sql, params) => rows(prepare, sql, params, undefined, true),
    executeUnprepared: (sql, params, transformRows) => rows(once, sql, params, transformRows, false),
    executeValuesUnprepared: (sql, params) => rows(once, sql, params, undefined, true),
    executeStream: (sql, params, transformRows) =>
      Stream.unwrap(
        Effect.map(
          Effect.acquireRelease(
            attempt("start a stream", () => once(sql).iterate(...params.map(bind))),
            (iterator) => Effect.sync(() => void iterator.return?.())
          ),
          (iterator) =>
            Stream.paginate(undefined, () =>
              Effect.yieldNow.pipe(
                Effect.andThen(attempt("read a stream", () => slice(iterator))),
                Effect.map(({ found, done }) => [
                  transformRows === undefined ? found : transformRows(found),
                  done ? Option.none() : Option.some(undefined)
                ])
              ))
        )
      )
  }

  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connection),
    semaphore: yield* Semaphore.make(1),
    isTransaction: () => db.isTransaction
  })
  return yield* SqlClient.make({
    driver: "sqlite-node",
    compiler: Statement.makeCompilerSqlite(),
    spanAttributes: [["db.system.name", "sqlite"]],
    // Takes the write lock at once: a transaction that waits for it later could not be tried again.
    beginTransaction: "BEGIN IMMEDIATE",
    prepareTransactionControls: true,
    ...acquirers
  })
})

/** The client of one database file. */
export const layer = (config: SqliteClientConfig): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(config)).pipe(Layer.provide(Reactivity.layer))

/** The client of one database file, described by a `Config`. */
export const layerConfig = (
  config: Config.Wrap<SqliteClientConfig>
): Layer.Layer<SqlClient.SqlClient, Config.ConfigError | SqlError> =>
  Layer.effect(SqlClient.SqlClient, Effect.flatMap(Config.unwrap(config), make)).pipe(Layer.provide(Reactivity.layer))
