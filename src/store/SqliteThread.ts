import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { ConnectionError, SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import { Worker } from "node:worker_threads"
import { classify } from "./sqliteError.ts"
import {
  makeHandler,
  type SentError,
  type SqliteOperation,
  type SqliteReply,
  type SqliteWorkerData
} from "./sqliteWorker.ts"
import { statementMillis } from "./statementMetrics.ts"

/** The program of the thread, beside this one: TypeScript when this runs from its sources. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "./sqliteWorker.ts" : "./sqliteWorker.js",
  import.meta.url
)

interface Pending {
  readonly reply: (reply: SqliteReply) => void
  readonly fail: (error: SqlError) => void
}

const ended = (problem: string): SqlError =>
  new SqlError({
    reason: new ConnectionError({
      cause: new Error(problem),
      operation: "execute a statement",
      message: `the thread of the SQLite database ended (${problem}); what was not committed is rolled back`
    })
  })

/** Where a database lives. */
export interface SqliteHome {
  /** Nothing can be asked of it any more. */
  readonly dead: boolean
  /** Whether a transaction is open. */
  readonly inTransaction: boolean
  readonly ask: (
    request: SqliteOperation,
    operation: string,
    toError?: (cause: SentError) => SqlError
  ) => Effect.Effect<any, SqlError>
  /** Gives up on it. */
  readonly end: (problem: string) => void
  /** Closes the database, within a time. */
  readonly close: (withinMillis: number) => Effect.Effect<void>
}

const failure = (operation: string, cause: unknown): SqlError => new SqlError({ reason: classify(cause, operation) })

/** How long opening may take at least: a large write-ahead log may have to be taken up. */
const openMillis = 30_000

/** How long statements may run on the thread of the caller, one after the other, before others get a turn. */
const turnMillis = 4

/** A database on the thread of the caller: it answers at once, and holds up everybody while it does. */
export const sqliteHere = (data: SqliteWorkerData): SqliteHome => {
  const handle = makeHandler(data)
  const home = { dead: false, inTransaction: false }
  let heldMillis = 0
  const ask: SqliteHome["ask"] = (request, operation, toError = (cause) => failure(operation, cause)) =>
    Effect.suspend(() => {
      const { error, inTransaction, millis, value } = handle({ id: 0, ...request })
      home.inTransaction = inTransaction
      heldMillis += millis
      const turn = heldMillis < turnMillis && request.op !== "next" ? Effect.void : Effect.yieldNow
      if (turn !== Effect.void) heldMillis = 0
      const result = error === undefined ? Effect.succeed(value) : Effect.fail(toError(error))
      return Effect.andThen(Effect.andThen(Metric.update(statementMillis, millis), turn), result)
    })
  return Object.assign(home, {
    ask,
    end: () => {},
    close: () => Effect.ignore(ask({ op: "close" }, "close"))
  })
}

/**
 * A thread with a database of its own, from its start to its end. When it dies everything that waits fails, and nothing
 * more can be asked of it: a transaction must not go on in another one.
 */
export class SqliteThread implements SqliteHome {
  dead = false
  inTransaction = false
  private nextId = 1
  private readonly pending = new Map<number, Pending>()
  private readonly worker: Worker
  private readonly timeoutMillis: number

  constructor(data: SqliteWorkerData, timeoutMillis: number) {
    this.timeoutMillis = timeoutMillis
    this.worker = new Worker(program, { workerData: data, execArgv: [], name: "sqlite" })
    this.worker.on("message", (reply: SqliteReply) => {
      const waiting = this.pending.get(reply.id)
      this.pending.delete(reply.id)
      this.rest()
      this.inTransaction = reply.inTransaction
      waiting?.reply(reply)
    })
    this.worker.on("error", (error) => this.end(error instanceof Error ? error.message : String(error)))
    this.worker.on("messageerror", (error) => this.end(error.message))
    this.worker.on("exit", (code) => this.end(`exit code ${code}`))
    this.rest()
  }

  /** The process is kept alive by what it waits for, and not by the thread. */
  private rest(): void {
    if (this.pending.size === 0) this.worker.unref()
    else this.worker.ref()
  }

  /** Gives up on the thread. */
  end(problem: string): void {
    if (this.dead) return
    this.dead = true
    this.inTransaction = false
    void this.worker.terminate()
    const all = [...this.pending.values()]
    this.pending.clear()
    for (const { fail } of all) fail(ended(problem))
  }

  /**
   * Asks something. Given up, it is done all the same: what is asked after it waits for it. An answer that never comes, as
   * from a disk that hangs, ends the thread.
   */
  ask(
    request: SqliteOperation,
    operation: string,
    toError: (cause: SentError) => SqlError = (cause) => failure(operation, cause)
  ): Effect.Effect<any, SqlError> {
    return Effect.callback<any, SqlError>((resume) => {
      if (this.dead) return resume(Effect.fail(ended("it is not there any more")))
      const id = this.nextId++
      const millis = request.op === "open" ? Math.max(this.timeoutMillis, openMillis) : this.timeoutMillis
      const alarm = setTimeout(() => {
        resume(Effect.fail(
          new SqlError({
            reason: new StatementTimeoutError({
              cause: undefined,
              operation,
              message: `SQLite could not ${operation} within ${millis} ms: check the disk`
            })
          })
        ))
        this.end("a statement took too long")
      }, millis)
      this.pending.set(id, {
        reply: ({ error, millis, value }) => {
          clearTimeout(alarm)
          const result = error === undefined ? Effect.succeed(value) : Effect.fail(toError(error))
          resume(Effect.andThen(Metric.update(statementMillis, millis), result))
        },
        fail: (error) => {
          clearTimeout(alarm)
          resume(Effect.fail(error))
        }
      })
      this.rest()
      try {
        this.worker.postMessage({ id, ...request })
      } catch (cause) {
        // Something that cannot be sent to another thread cannot be bound either.
        clearTimeout(alarm)
        this.pending.delete(id)
        this.rest()
        resume(Effect.fail(failure(operation, cause)))
      }
    })
  }

  /** Closes the database and ends the thread, within a time. */
  close(withinMillis: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (this.dead) return resume(Effect.void)
      const alarm = setTimeout(() => this.worker.terminate(), withinMillis)
      this.worker.ref()
      this.worker.once("exit", () => {
        clearTimeout(alarm)
        resume(Effect.void)
      })
      this.worker.postMessage({ id: 0, op: "close" })
    })
  }
}
