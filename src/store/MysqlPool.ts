import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import type * as Mysql from "mysql2"
import { isIP } from "node:net"
import type { MysqlClientConfig } from "./MysqlClient.ts"
import { MysqlConnection } from "./MysqlConnection.ts"
import { connectError, deadlinePassed } from "./mysqlError.ts"
import { connections, connectionsLost } from "./statementMetrics.ts"

/**
 * What every session begins with, whatever the server is set to: times in UTC, errors instead of values that were made to
 * fit, backslashes and quotes that mean what our escaping takes them for, and patience with readers that are slow.
 */
const sessionSetup = `SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
  autocommit = 1, net_write_timeout = 600, group_concat_max_len = 4194304`

const missingPackage = (cause: unknown): SqlError =>
  new SqlError({
    reason: new ConnectionError({
      cause,
      operation: "connect",
      message: "MySQL and MariaDB need the package mysql2, which is not installed: npm install mysql2"
    })
  })

/** Loaded when it is needed, and not before: it is optional, and SQLite needs none of it. */
const loadMysql2: Effect.Effect<typeof Mysql, SqlError> = Effect.tryPromise({
  try: () => import("mysql2"),
  catch: missingPackage
})

const millisOf = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/** Connections to one server: opened when they are needed, used by one at a time, kept while they are good. */
export interface MysqlPool {
  /** A connection of one's own for the scope. The wait for one has the deadline of a statement. */
  readonly acquire: Effect.Effect<MysqlConnection, SqlError, Scope.Scope>
}

/** A pool that lives as long as the scope. It connects to nothing yet: the server may be away. */
export const makePool = Effect.fnUntraced(function*(config: MysqlClientConfig) {
  const maxConnections = config.maxConnections ?? 10
  const connectMillis = millisOf(config.connectTimeout ?? "5 seconds")
  const statementTimeout = Duration.fromInputUnsafe(config.statementTimeout ?? "20 seconds")
  const shutdownTimeout = config.shutdownTimeout ?? "2 seconds"
  const server = `${config.database} at ${config.host}:${config.port ?? 3306}`

  const semaphore = yield* Semaphore.make(maxConnections)
  const open = new Set<MysqlConnection>()
  const idle: Array<MysqlConnection> = []
  let closed = false

  // Changes and not totals: another pool of this process counts, too. And at once: an idle connection may break, and nobody
  // may ask for one after it.
  const context = yield* Effect.context<never>()
  const counted = (change: number): void => connections.modifyUnsafe(change, context)
  counted(0)
  const forget = (connection: MysqlConnection): void => {
    if (open.delete(connection)) counted(-1)
    const at = idle.indexOf(connection)
    if (at >= 0) idle.splice(at, 1)
  }

  const options: Mysql.ConnectionOptions = {
    host: config.host,
    port: config.port ?? 3306,
    database: config.database,
    user: config.username,
    connectTimeout: connectMillis,
    charset: "utf8mb4_bin",
    timezone: "Z",
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    multipleStatements: false,
    enableKeepAlive: true,
    // What an UPDATE has changed, and not what it has found; and a server must not be able to ask for files of ours.
    flags: ["-FOUND_ROWS", "-LOCAL_FILES"],
    ...(config.tls !== undefined && { ssl: tlsOptions(config.tls) })
  }

  const connect = Effect.flatMap(loadMysql2, (mysql) =>
    Effect.callback<MysqlConnection, SqlError>((resume) => {
      const raw = mysql.createConnection({ ...options, password: Redacted.value(config.password) })
      // TLS takes the name that the certificate must have from here. For an address nobody sets it, and TLS would ask for
      // "localhost" whoever answers.
      if (isIP(config.host) !== 0) Reflect.set(Reflect.get(raw, "stream") ?? {}, "_host", config.host)
      let done = false
      const finish = (result: Effect.Effect<MysqlConnection, SqlError>) => {
        if (done) return
        done = true
        clearTimeout(alarm)
        resume(result)
      }
      const giveUp = (cause: unknown) => {
        raw.destroy()
        finish(Effect.fail(connectError(server, cause)))
      }
      // The limit of the package ends with the handshake; a server may hang behind it.
      const alarm = setTimeout(
        () => giveUp(new Error(`no answer within ${connectMillis} ms`)),
        connectMillis
      )
      raw.on("error", giveUp)
      raw.query(sessionSetup, (cause) => {
        if (cause) return giveUp(cause)
        raw.query("SELECT @@max_allowed_packet AS bytes", (cause: unknown, rows: any) => {
          if (cause) return giveUp(cause)
          raw.removeListener("error", giveUp)
          const connection = new MysqlConnection(raw, rows[0].bytes, statementTimeout, (broken) => {
            forget(broken)
            connectionsLost.updateUnsafe(1, context)
          })
          open.add(connection)
          counted(1)
          finish(Effect.succeed(connection))
        })
      })
      return Effect.sync(() => {
        done = true
        clearTimeout(alarm)
        raw.removeListener("error", giveUp)
        raw.on("error", () => {})
        raw.destroy()
      })
    }))

  const poolClosed = new SqlError({
    reason: new ConnectionError({
      cause: undefined,
      operation: "connect",
      message: `the connections to ${server} are closed`
    })
  })

  const takeTurn = semaphore.takeScoped(1).pipe(
    Effect.timeoutOrElse({
      duration: statementTimeout,
      orElse: () => Effect.fail(deadlinePassed("give a connection", Duration.toMillis(statementTimeout)))
    })
  )
  const acquire: MysqlPool["acquire"] = Effect.andThen(
    takeTurn,
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (closed) return Effect.fail(poolClosed)
        const free = idle.pop()
        return free === undefined ? connect : Effect.succeed(free)
      }),
      (connection) =>
        Effect.sync(() => {
          if (closed) connection.destroy()
          else if (!connection.broken) idle.push(connection)
        }),
      { interruptible: true }
    )
  )

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      closed = true
      const all = [...open]
      // Those that are busy are cut: whoever used them has ended, or should have.
      const ending = all.filter((connection) => idle.includes(connection))
      for (const connection of all) if (!ending.includes(connection)) connection.destroy()
      return Effect.callback<void>((resume) => {
        let left = ending.length
        if (left === 0) return resume(Effect.void)
        const alarm = setTimeout(() => resume(Effect.void), millisOf(shutdownTimeout))
        for (const connection of ending) {
          connection.end(() => {
            left -= 1
            if (left > 0) return
            clearTimeout(alarm)
            resume(Effect.void)
          })
        }
      }).pipe(
        Effect.andThen(Effect.sync(() => {
          for (const connection of all) connection.cut()
          for (const connection of [...open]) forget(connection)
        }))
      )
    })
  )

  return { acquire } satisfies MysqlPool
})

const tlsOptions = (tls: NonNullable<MysqlClientConfig["tls"]>): Mysql.SslOptions => ({
  ...(tls.ca !== undefined && { ca: tls.ca }),
  ...(tls.cert !== undefined && { cert: tls.cert }),
  ...(tls.key !== undefined && { key: Redacted.value(tls.key) }),
  minVersion: "TLSv1.2",
  rejectUnauthorized: tls.rejectUnauthorized ?? true,
  verifyIdentity: tls.rejectUnauthorized ?? true
})
