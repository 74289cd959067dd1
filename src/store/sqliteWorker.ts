/**
 * The thread that a SQLite database lives on. It answers one request after the other, so what is asked first is done first.
 * It imports as little as it can: it starts with the process.
 */
import { existsSync, mkdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import { isMainThread, parentPort, workerData } from "node:worker_threads"
import { nodeSqlite } from "../node/nodeSqlite.ts"

/** Which database the thread opens. */
export interface SqliteWorkerData {
  readonly filename: string
  readonly synchronous: "full" | "normal"
}

/** What the thread is asked. */
export type SqliteRequest = { readonly id: number } & SqliteOperation
export type SqliteOperation =
  | {
    readonly op: "run"
    readonly sql: string
    readonly params: ReadonlyArray<unknown>
    /** What comes back: rows as objects, rows as arrays, or what was changed. */
    readonly as: "objects" | "arrays" | "changes"
    /** Worth keeping prepared. */
    readonly prepared: boolean
  }
  | { readonly op: "open" }
  | { readonly op: "stream"; readonly sql: string; readonly params: ReadonlyArray<unknown> }
  | { readonly op: "next"; readonly stream: number; readonly rows: number }
  | { readonly op: "end"; readonly stream: number }
  | { readonly op: "close" }

/** An error, as far as it can be sent. */
export interface SentError {
  readonly message: string
  readonly code: string | undefined
  readonly errcode: number | undefined
}

/** What the thread answers. */
export interface SqliteReply {
  readonly id: number
  readonly value?: any
  readonly error?: SentError
  /** Whether a transaction is open now. */
  readonly inTransaction: boolean
  /** How long it took. */
  readonly millis: number
}

/** Statements that stay prepared. */
const maxPrepared = 100

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

const openDatabase = ({ filename, synchronous }: SqliteWorkerData): DatabaseSync => {
  const { DatabaseSync } = nodeSqlite()
  if (filename !== ":memory:") makeFolder(dirname(resolve(filename)))
  const db = new DatabaseSync(filename, { timeout: 0 })
  try {
    db.exec("PRAGMA journal_mode = WAL")
    db.exec(`PRAGMA synchronous = ${synchronous === "full" ? "FULL" : "NORMAL"}`)
    db.exec("PRAGMA foreign_keys = ON")
    // A file that cannot be written must say so now, and not at the first outage.
    db.exec("BEGIN IMMEDIATE; ROLLBACK")
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Answers requests for one database, on the thread that calls it. */
export const makeHandler = (data: SqliteWorkerData) => {
  let db: DatabaseSync | undefined
  const prepared = new Map<string, StatementSync>()
  const streams = new Map<number, Iterator<Record<string, unknown>>>()
  let nextStream = 1

  const database = (): DatabaseSync => {
    if (db === undefined) throw new Error("the database is not open")
    return db
  }
  /** Keeps the statements used last prepared. */
  const prepare = (sql: string, keep: boolean): StatementSync => {
    if (!keep) return database().prepare(sql)
    const known = prepared.get(sql)
    const statement = known ?? database().prepare(sql)
    if (known !== undefined) prepared.delete(sql)
    else if (prepared.size >= maxPrepared) prepared.delete(prepared.keys().next().value!)
    prepared.set(sql, statement)
    return statement
  }

  const handle = (request: SqliteOperation): unknown => {
    switch (request.op) {
      case "open":
        db ??= openDatabase(data)
        return undefined
      case "run": {
        const params = request.params as ReadonlyArray<SQLInputValue>
        const statement = prepare(request.sql, request.prepared)
        statement.setReturnArrays(request.as === "arrays")
        if (request.as === "changes") return statement.run(...params)
        if (statement.columns().length > 0) return statement.all(...params)
        statement.run(...params)
        return []
      }
      case "stream": {
        const stream = nextStream++
        streams.set(
          stream,
          database().prepare(request.sql).iterate(...(request.params as ReadonlyArray<SQLInputValue>))
        )
        return stream
      }
      case "next": {
        const iterator = streams.get(request.stream)
        const rows: Array<unknown> = []
        // An iterator that has ended must not be asked again: the statement would begin anew.
        while (iterator !== undefined && rows.length < request.rows) {
          const next = iterator.next()
          if (next.done === true) {
            streams.delete(request.stream)
            return { rows, done: true }
          }
          rows.push(next.value)
        }
        return { rows, done: iterator === undefined }
      }
      case "end":
        streams.get(request.stream)?.return?.()
        streams.delete(request.stream)
        return undefined
      case "close":
        for (const iterator of streams.values()) iterator.return?.()
        prepared.clear()
        db?.close()
        db = undefined
        return undefined
    }
  }

  return (request: SqliteRequest): SqliteReply => {
    const began = performance.now()
    const finish = (result: { readonly value?: unknown; readonly error?: SentError }): SqliteReply => ({
      id: request.id,
      ...result,
      inTransaction: db?.isTransaction ?? false,
      millis: performance.now() - began
    })
    try {
      return finish({ value: handle(request) })
    } catch (error) {
      return finish({ error: sentError(error) })
    }
  }
}

const sentError = (error: unknown): SentError => {
  const field = (name: string): unknown =>
    typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined
  const code = field("code")
  const errcode = field("errcode")
  return {
    message: error instanceof Error ? error.message : String(error),
    code: typeof code === "string" ? code : undefined,
    errcode: typeof errcode === "number" ? errcode : undefined
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  const handler = makeHandler(workerData as SqliteWorkerData)
  port.on("message", (request: SqliteRequest) => {
    port.postMessage(handler(request))
    if (request.op === "close") port.close()
  })
}
