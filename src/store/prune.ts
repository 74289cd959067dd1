import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { StatementTimeout } from "./MysqlConnection.ts"
import { boundToText } from "./StoredText.ts"
import { databaseError, retryDeadlocks, type StoreError } from "./StoreError.ts"

/** What is no longer kept. */
export interface PruneOptions {
  /** Milliseconds since the epoch: outages that ended, and days of usage that lie wholly, before this are removed. */
  readonly before: number
  /** Only counts. */
  readonly dryRun?: boolean
  /** Between two batches, in which others write. None. */
  readonly pause?: Duration.Input
  /** Is told after each batch what is removed so far. */
  readonly onProgress?: (pruned: Pruned) => Effect.Effect<void>
}

/** Rows that were removed or, in a dry run, would be. */
export interface Pruned {
  readonly outages: number
  readonly decisions: number
  readonly alertThreads: number
  readonly usage: number
}

/** Rows of one table that would be removed. */
export interface Prunable {
  readonly table: "member_events" | "decisions" | "alert_threads" | "requests"
  readonly rows: number
  /** The first and the last, by when they began, were decided or counted, as stored, UTC; null when there are none. */
  readonly oldest: string | null
  readonly newest: string | null
}

/** Rows of one transaction: short enough that nobody waits for it for long. */
const batchRows = 2_000

const key = "date, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6, node_id"

/** What {@link prune} would remove. Nothing is changed. */
export const prunable = (before: number): Effect.Effect<ReadonlyArray<Prunable>, StoreError, SqlClient.SqlClient> =>
  countRows(before).pipe(
    Effect.provideService(StatementTimeout, Duration.minutes(10)),
    Effect.mapError(databaseError("count what would be removed"))
  )

const endedBefore = (sql: SqlClient.SqlClient, time: string) => sql`end_time IS NOT NULL AND end_time < ${time}`

const countRows = Effect.fnUntraced(function*(before: number) {
  const sql = yield* SqlClient.SqlClient
  const time = boundToText(before)
  const ended = endedBefore(sql, time)
  const of = sql`outage_id IN (SELECT outage_id FROM member_events WHERE ${ended})`
  const count = (table: Prunable["table"], column: string, where: typeof ended) =>
    Effect.map(
      sql<Omit<Prunable, "table">>`SELECT COUNT(*) AS ${sql("rows")}, MIN(${sql.literal(column)}) AS oldest,
        MAX(${sql.literal(column)}) AS newest FROM ${sql(table)} WHERE ${where}`,
      ([row]): Prunable => ({
        table,
        rows: row?.rows ?? 0,
        oldest: row?.oldest ?? null,
        newest: row?.newest ?? null
      })
    )
  return [
    yield* count("member_events", "start_time", ended),
    yield* count("decisions", "decided_at", of),
    yield* count("alert_threads", "NULL", of),
    yield* count("requests", "date", sql`date < ${time.slice(0, 10)}`)
  ]
})

/**
 * Removes what has ended before a time, in batches. Open outages stay, however old, and so does an outage that began before
 * and ended after it: no period from that time on lacks anything. Interrupted, it goes on where it was: what belongs to an
 * outage goes with it.
 */
export const prune = (options: PruneOptions): Effect.Effect<Pruned, StoreError, SqlClient.SqlClient> =>
  options.dryRun === true
    ? Effect.map(prunable(options.before), ([outages, decisions, alertThreads, usage]) => ({
      outages: outages?.rows ?? 0,
      decisions: decisions?.rows ?? 0,
      alertThreads: alertThreads?.rows ?? 0,
      usage: usage?.rows ?? 0
    }))
    : Effect.mapError(pruneRows(options), databaseError("prune the database"))

/** How many rows a statement has removed. */
const removed = (result: unknown): number => {
  const { affectedRows, changes } = result as { readonly affectedRows?: number; readonly changes?: number }
  return affectedRows ?? changes ?? 0
}

const pruneRows = Effect.fn("Store.prune")(function*({ before, onProgress, pause }: PruneOptions) {
  const sql = yield* SqlClient.SqlClient
  const time = boundToText(before)
  const day = time.slice(0, 10)
  const limit = sql.literal(`LIMIT ${batchRows}`)
  const pruned = { outages: 0, decisions: 0, alertThreads: 0, usage: 0 }
  const afterBatch = Effect.suspend(() =>
    Effect.andThen(
      onProgress === undefined ? Effect.void : onProgress({ ...pruned }),
      pause === undefined ? Effect.yieldNow : Effect.sleep(pause)
    )
  )

  while (true) {
    const found = yield* sql<{ readonly id: number; readonly outage_id: string | null }>`
      SELECT id, outage_id FROM member_events WHERE ${endedBefore(sql, time)} ORDER BY id ${limit}`
    const rows = found.map((row) => row.id)
    const outages = found.flatMap((row) => row.outage_id === null ? [] : [row.outage_id])
    if (rows.length === 0) break
    const batch = yield* retryDeadlocks(sql.withTransaction(Effect.gen(function*() {
      const of = outages.length === 0 ? sql`1 = 0` : sql.in("outage_id", outages)
      return {
        decisions: removed(yield* sql`DELETE FROM decisions WHERE ${of}`.raw),
        alertThreads: removed(yield* sql`DELETE FROM alert_threads WHERE ${of}`.raw),
        outages: removed(yield* sql`DELETE FROM member_events WHERE ${sql.in("id", rows)}`.raw)
      }
    })))
    pruned.decisions += batch.decisions
    pruned.alertThreads += batch.alertThreads
    pruned.outages += batch.outages
    yield* afterBatch
  }

  // SQLite has no limit for DELETE, and no rowid in this table: the batch is chosen by the key.
  const deleteSome: Effect.Effect<unknown, SqlError> = sql.onDialectOrElse({
    mysql: () => sql`DELETE FROM requests WHERE date < ${day} ORDER BY date ${limit}`.raw,
    orElse: () =>
      sql`DELETE FROM requests WHERE (${sql.literal(key)}) IN (
        SELECT ${sql.literal(key)} FROM requests WHERE date < ${day} ORDER BY ${sql.literal(key)} ${limit})`.raw
  })
  while (true) {
    const rows = removed(yield* retryDeadlocks(deleteSome))
    if (rows === 0) break
    pruned.usage += rows
    yield* afterBatch
  }
  return pruned satisfies Pruned
})
