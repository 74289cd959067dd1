import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type * as Mysql from "mysql2"
import { classify, commitUnknown, connectionLost, deadlinePassed, packetTooLarge } from "./mysqlError.ts"
import { RowReader } from "./RowReader.ts"
import { statementMillis } from "./statementMetrics.ts"

type TransformRows = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

/**
 * How long each statement of an effect may take instead of what the client allows, for work that is known to be long, as
 * migrations. Provide it around just that.
 */
export const StatementTimeout = Context.Reference<Duration.Duration | undefined>(
  "effect-geodns/store/MysqlClient/StatementTimeout",
  { defaultValue: () => undefined }
)

/** A value as a literal can stand for it. What the package would take apart, as objects and lists, is refused. */
const bind = (param: unknown): unknown => {
  switch (typeof param) {
    case "boolean":
      return param ? 1 : 0
    case "undefined":
      return null
    case "object":
      if (param === null) return null
      if (param instanceof Date) return param.toISOString().replace("T", " ").slice(0, -1)
      if (param instanceof Uint8Array) return Buffer.from(param.buffer, param.byteOffset, param.byteLength)
      throw new TypeError("only text, numbers, booleans, dates and bytes can be bound to a statement")
    case "number":
      if (!Number.isFinite(param)) throw new TypeError(`${param} cannot be bound to a statement`)
      return param
    case "string":
    case "bigint":
      return param
    default:
      throw new TypeError(`a ${typeof param} cannot be bound to a statement`)
  }
}

/**
 * One connection. Every statement on it has a deadline, and one that is given up, by its deadline or by interruption,
 * takes the connection with it: nobody else may wait behind it, and a transaction must not go on.
 *
 * Statements go as text with the values escaped: it gives the same values for the same columns always, as the binary
 * protocol of prepared statements does not, is no slower, and leaves nothing prepared on the server.
 */
export class MysqlConnection implements SqlConnection.Connection {
  broken = false
  private reader: RowReader | undefined
  private pending: ((cause: unknown) => void) | undefined
  private readonly raw: Mysql.Connection
  private readonly maxPacket: number
  private readonly timeout: Duration.Duration
  private readonly onBroken: (connection: MysqlConnection) => void

  /** `maxPacket`: the server takes so many bytes at once. */
  constructor(
    raw: Mysql.Connection,
    maxPacket: number,
    timeout: Duration.Duration,
    onBroken: (connection: MysqlConnection) => void
  ) {
    this.raw = raw
    this.maxPacket = maxPacket
    this.timeout = timeout
    this.onBroken = onBroken
    // Also when nothing is under way: an idle connection that breaks must not be used again, or end the process.
    // The package tells a lost connection to the connection, and not to a statement that is being streamed.
    raw.on("error", (cause: unknown) => this.destroy(cause))
    raw.on("end", () => this.destroy())
  }

  /** Cuts the connection, and fails what waits for it. The server rolls back what was not committed. */
  destroy(cause: unknown = connectionLost()): void {
    if (this.broken) return
    this.broken = true
    this.raw.destroy()
    this.onBroken(this)
    // The package forgets what was under way on a connection that it is told to destroy.
    this.pending?.(cause)
    this.reader?.lose(cause)
  }

  /** Ends the connection, saying so to the server. */
  end(done: () => void): void {
    if (this.broken) return done()
    this.broken = true
    this.raw.end(() => done())
  }

  /** Closes the socket, whatever was said before. */
  cut(): void {
    this.broken = true
    this.raw.destroy()
  }

  private run(
    sql: string,
    params: ReadonlyArray<unknown>,
    operation = "execute a statement",
    rowsAsArray = false
  ): Effect.Effect<any, SqlError> {
    return Effect.withFiber((fiber) =>
      Effect.callback<any, SqlError>((resume) => {
        const clock = fiber.getRef(Clock.Clock)
        const began = clock.monotonicTimeNanosUnsafe()
        const millis = Duration.toMillis(fiber.getRef(StatementTimeout) ?? this.timeout)
        // A timer of the system and not a timeout of Effect: it must ring also where nothing can be interrupted, as in
        // ROLLBACK.
        const finish = (result: Effect.Effect<any, SqlError>) => {
          clearTimeout(alarm)
          this.pending = undefined
          const millis = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
          resume(Effect.andThen(Metric.update(statementMillis, millis), result))
        }
        // Before anybody hears of it: whoever does may want a connection at once, and must not be given this one.
        const giveUp = () => {
          this.pending = undefined
          this.destroy()
        }
        const fail = (cause: unknown) => finish(Effect.fail(new SqlError({ reason: classify(cause, operation) })))
        const alarm = setTimeout(() => {
          giveUp()
          finish(Effect.fail(deadlinePassed(operation, millis)))
        }, Math.min(millis, maxTimer))
        if (this.broken) return fail(connectionLost())
        this.pending = fail
        try {
          const text = this.raw.format(sql, params.map(bind))
          const bytes = text.length * 3 < this.maxPacket ? 0 : 1 + Buffer.byteLength(text)
          // The server would close the connection, and its reason is lost while we still write.
          if (bytes > this.maxPacket) return fail(packetTooLarge(bytes, this.maxPacket))
          this.raw.query({ sql: text, rowsAsArray }, (cause: any, rows: any) => {
            if (!cause) return finish(Effect.succeed(rows))
            if (cause.fatal === true) giveUp()
            fail(cause)
          })
        } catch (cause) {
          fail(cause)
        }
        return Effect.sync(() => {
          clearTimeout(alarm)
          giveUp()
        })
      })
    )
  }

  private rows(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows,
    rowsAsArray = false
  ): Effect.Effect<ReadonlyArray<any>, SqlError> {
    return Effect.map(this.run(sql, params, undefined, rowsAsArray), (rows) => {
      if (!Array.isArray(rows)) return []
      return transformRows === undefined ? rows : transformRows(rows)
    })
  }

  execute(sql: string, params: ReadonlyArray<unknown>, transformRows: TransformRows) {
    return this.rows(sql, params, transformRows)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>) {
    return this.run(sql, params)
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.rows(sql, params, undefined, true)
  }

  executeUnprepared(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows
  ): Effect.Effect<ReadonlyArray<any>, SqlError> {
    // A rollback that fails must end the transaction all the same, and nobody can do anything about its error.
    return sql.startsWith("ROLLBACK")
      ? Effect.catch(this.rows(sql, params, transformRows), () => Effect.as(Effect.sync(() => this.destroy()), []))
      : this.rows(sql, params, transformRows)
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.rows(sql, params, undefined, true)
  }

  /** COMMIT. Lost on its way, its outcome is unknown, and the error says so. */
  commit(): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => {
      // The connection broke before: the server has rolled back.
      const sent = !this.broken
      return Effect.asVoid(this.run("COMMIT", [], "commit")).pipe(
        Effect.mapError((error) =>
          sent && (error.reason._tag === "ConnectionError" || error.reason._tag === "StatementTimeoutError")
            ? commitUnknown(error.reason.cause ?? error)
            : error
        )
      )
    })
  }

  /** Rows as they come, some hundred at a time; the server waits when the reader does. Each wait has the deadline. */
  executeStream(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows
  ): Stream.Stream<any, SqlError> {
    const operation = "read a stream"
    const start = Effect.try({
      try: () => {
        if (this.broken) throw connectionLost()
        return this.reader = new RowReader(this.raw, sql, params.map(bind))
      },
      catch: (cause) => new SqlError({ reason: classify(cause, operation) })
    })
    const next = (reader: RowReader): Effect.Effect<ReadonlyArray<any> | undefined, SqlError> =>
      Effect.flatMap(
        StatementTimeout,
        (given) =>
          Effect.callback<ReadonlyArray<any> | undefined, SqlError>((resume) => {
            const millis = Duration.toMillis(given ?? this.timeout)
            const alarm = setTimeout(() => {
              this.destroy()
              resume(Effect.fail(deadlinePassed(operation, millis)))
            }, Math.min(millis, maxTimer))
            reader.take((cause, rows) => {
              clearTimeout(alarm)
              if (cause === undefined) return resume(Effect.succeed(rows))
              if ((cause as { readonly fatal?: unknown }).fatal === true) this.destroy()
              resume(Effect.fail(new SqlError({ reason: classify(cause, operation) })))
            })
            return Effect.sync(() => clearTimeout(alarm))
          })
      )
    return Stream.unwrap(
      Effect.map(
        // What was not read to its end would come before the answer of the next statement.
        Effect.acquireRelease(start, (reader) =>
          Effect.sync(() => {
            this.reader = undefined
            if (!reader.done) this.destroy()
          })),
        (reader) =>
          Stream.paginate(undefined, () =>
            Effect.map(next(reader), (rows) =>
              rows === undefined
                ? [[], Option.none()] as const
                : [transformRows === undefined ? rows : transformRows(rows), Option.some(undefined)] as const))
      )
    )
  }
}

/** The longest time that a timer takes. */
const maxTimer = 2 ** 31 - 1
