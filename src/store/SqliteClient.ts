/**
 * A driver for `SqlClient` of `effect/sql` over `node:sqlite`, in the shape of Effect's own drivers, until one of those
 * runs on this version of Effect.
 *
 * A file lives on a thread of its own, because `node:sqlite` is synchronous: a large read or a slow disk holds up nobody but
 * those who ask. `:memory:` is on the thread of the caller, and for small databases, as in tests. One connection, used by one statement or transaction at a time. When the thread dies, what was
 * under way fails with a `ConnectionError`, and the next statement starts another.
 *
 * What was committed survives kill -9 always. A power cut may take the last commits, those that the system had not yet
 * written, unless `synchronous` is `full`; it never damages the file.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
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
import { isBusy, openError } from "./sqliteError.ts"
import { sqliteHere, type SqliteHome, SqliteThread } from "./SqliteThread.ts"
import { lockWaits } from "./statementMetrics.ts"

/** How to open a database. */
export interface SqliteClientConfig {
  /** A path, whose folder is created when it is missing, or `:memory:`. */
  readonly filename: string
  /** How long a statement waits for the lock of another process. 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
  /** How long one statement may take before the thread is given up. 5 minutes. */
  readonly statementTimeout?: Duration.Input | undefined
  /** How long closing the database may take. 5 seconds. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /**
   * `normal` (the default) waits for the disk at checkpoints only. `full` waits on every commit, so that a power cut takes
   * nothing that was acknowledged, as far as the disk keeps what it reports as written; a commit then takes as long as the
   * disk does.
   */
  readonly synchronous?: "full" | "normal" | undefined
}

type TransformRows = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

/** Rows of a stream that are sent at once; the next are read when the reader asks. */
const sliceRows = 500

const bind = (param: unknown): unknown => {
  if (typeof param === "boolean") return param ? 1 : 0
  if (param instanceof Date) return param.toISOString()
  return param ?? null
}

const millisOf = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

interface ThreadConnection extends SqlConnection.Connection {
  readonly thread: SqliteHome
}

/** A client that lives as long as the scope. Fails when the file cannot be opened and written, saying why. */
export const make = Effect.fnUntraced(function*(config: SqliteClientConfig) {
  const patient = Schedule.spaced("5 millis").pipe(
    Schedule.upTo({ duration: config.busyTimeout ?? "5 seconds" }),
    Schedule.tap(() => Metric.update(lockWaits, 1))
  )
  const whenUnlocked = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.retry(effect, { schedule: patient, while: (error) => isBusy(error.reason.cause) })

  const connectionOf = (thread: SqliteHome): ThreadConnection => {
    const run = (
      sql: string,
      params: ReadonlyArray<unknown>,
      as: "objects" | "arrays" | "changes",
      prepared: boolean
    ): Effect.Effect<any, SqlError> =>
      whenUnlocked(
        Effect.suspend(() =>
          thread.ask({ op: "run", sql, params: params.map(bind), as, prepared }, "execute a statement")
        )
      )
    const rows = (sql: string, params: ReadonlyArray<unknown>, transformRows: TransformRows, prepared: boolean) =>
      transformRows === undefined
        ? run(sql, params, "objects", prepared)
        : Effect.map(run(sql, params, "objects", prepared), transformRows)
    return {
      thread,
      execute: (sql, params, transformRows) => rows(sql, params, transformRows, true),
      executeRaw: (sql, params) => run(sql, params, "changes", true),
      executeValues: (sql, params) => run(sql, params, "arrays", true),
      executeUnprepared: (sql, params, transformRows) => rows(sql, params, transformRows, false),
      executeValuesUnprepared: (sql, params) => run(sql, params, "arrays", false),
      executeStream: (sql, params, transformRows) =>
        Stream.unwrap(
          Effect.map(
            Effect.acquireRelease(
              whenUnlocked(thread.ask({ op: "stream", sql, params: params.map(bind) }, "start a stream")),
              (stream: number) => Effect.ignore(thread.ask({ op: "end", stream }, "end a stream"))
            ),
            (stream) =>
              Stream.paginate(undefined, () =>
                Effect.map(
                  whenUnlocked(thread.ask({ op: "next", stream, rows: sliceRows }, "read a stream")),
                  ({ done, rows }: { readonly done: boolean; readonly rows: ReadonlyArray<any> }) =>
                    [
                      transformRows === undefined ? rows : transformRows(rows),
                      done ? Option.none() : Option.some(undefined)
                    ] as const
                ))
          )
        )
    }
  }

  const statementMillis = millisOf(config.statementTimeout ?? "5 minutes")
  const shutdownMillis = millisOf(config.shutdownTimeout ?? "5 seconds")
  const open: Effect.Effect<ThreadConnection, SqlError> = Effect.suspend(() => {
    const data = { filename: config.filename, synchronous: config.synchronous ?? "normal" }
    // What is in memory waits for no disk, and would be lost with the thread.
    const thread = config.filename === ":memory:" ? sqliteHere(data) : new SqliteThread(data, statementMillis)
    return whenUnlocked(thread.ask({ op: "open" }, "open", (cause) => openError(config.filename, cause))).pipe(
      Effect.onError(() => Effect.sync(() => thread.end("it could not be opened"))),
      Effect.as(connectionOf(thread))
    )
  })

  let current = yield* open
  yield* Effect.addFinalizer(() => Effect.suspend(() => current.thread.close(shutdownMillis)))
  // One at a time asks for it, so nobody opens two.
  const alive = Effect.suspend(() =>
    current.thread.dead
      ? Effect.tap(open, (opened) =>
        Effect.sync(() => {
          current = opened
        }))
      : Effect.succeed(current)
  )

  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: alive,
    semaphore: yield* Semaphore.make(1),
    isTransaction: ({ thread }) => thread.inTransaction
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
