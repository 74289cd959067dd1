import type * as Mysql from "mysql2"

/** Rows that are read ahead of their reader; then the socket waits, and with it the server. */
const readAhead = 512

type Taken = (cause: unknown, rows: ReadonlyArray<any> | undefined) => void

/** Gathers the rows of one statement between two takes, and lets the socket wait when there are enough. */
export class RowReader {
  done = false
  private rows: Array<any> = []
  private failed: unknown
  private paused = false
  private waiting: Taken | undefined
  private scheduled = false
  private readonly raw: Mysql.Connection

  constructor(raw: Mysql.Connection, sql: string, values: Array<any>) {
    this.raw = raw
    const query: any = raw.query({ sql, values })
    query.on("result", (row: any) => {
      this.rows.push(row)
      if (this.rows.length >= readAhead && !this.paused) {
        this.paused = true
        raw.pause()
      }
      this.wake()
    })
    query.on("error", (cause: unknown) => {
      this.failed = cause ?? new Error("the stream broke")
      this.done = true
      this.wake()
    })
    query.on("end", () => {
      this.done = true
      this.wake()
    })
  }

  /** Gives what has come, as soon as something has; undefined at the end. */
  take(taken: Taken): void {
    this.waiting = taken
    if (this.rows.length > 0 || this.done) this.wake()
  }

  /** The connection is gone, and with it what was still to come. */
  lose(cause: unknown): void {
    if (this.done) return
    this.failed ??= cause
    this.done = true
    this.wake()
  }

  // After the packets that came together were read, not for each row.
  private wake(): void {
    if (this.waiting === undefined || this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      const { waiting, rows } = this
      if (waiting === undefined || (rows.length === 0 && !this.done)) return
      this.waiting = undefined
      this.rows = []
      if (rows.length > 0) waiting(undefined, rows)
      else if (this.failed !== undefined) waiting(this.failed, undefined)
      else waiting(undefined, undefined)
      if (this.paused) {
        this.paused = false
        this.raw.resume()
      }
    })
  }
}
