import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { boundToText } from "./StoredText.ts"
import { databaseError, retryDeadlocks, type StoreError } from "./StoreError.ts"

/** What is no longer kept. */
export interface PruneOptions {
  /** Milliseconds since the epoch: outages that ended, and days of usage that lie wholly, before this are removed. */
  readonly before: number
  /** Only counts. */
  readonly dryRun?: boolean
}

/** Rows that were removed or, in a dry run, would be. */
export interface Pruned {
  readonly outages: number
  readonly decisions: number
  readonly alertThreads: number
  readonly usage: number
}

/** Rows of one transaction: short enough that nobody waits for it for long. */
const batchRows = 2_000

interface Count {
  readonly n: number
}

/**
 * Removes what has ended before a time, in batches. Open outages stay, however old. Interrupted, it goes on where it was:
 * what belongs to an outage goes before it.
 */
export const prune = (options: PruneOptions): Effect.Effect<Pruned, StoreError, SqlClient.SqlClient> =>
  Effect.mapError(pruneRows(options), databaseError("prune the database"))

const pruneRows = Effect.fn("Store.prune")(function*({ before, dryRun }: PruneOptions) {
  const sql = yield* SqlClient.SqlClient
  const time = boundToText(before)
  const day = time.slice(0, 10)
  const ended = sql`end_time IS NOT NULL AND end_time < ${time}`
  const limit = sql.literal(`LIMIT ${batchRows}`)

  if (dryRun === true) {
    const of = sql`outage_id IN (SELECT outage_id FROM member_events WHERE ${ended})`
    const count = (statement: Effect.Effect<ReadonlyArray<Count>, SqlError>) =>
      Effect.map(statement, ([row]) => row?.n ?? 0)
    return {
      outages: yield* count(sql<Count>`SELECT COUNT(*) AS n FROM member_events WHERE ${ended}`),
      decisions: yield* count(sql<Count>`SELECT COUNT(*) AS n FROM decisions WHERE ${of}`),
      alertThreads: yield* count(sql<Count>`SELECT COUNT(*) AS n FROM alert_threads WHERE ${of}`),
      usage: yield* count(sql<Count>`SELECT COUNT(*) AS n FROM requests WHERE date < ${day}`)
    } satisfies Pruned
  }

  /** How many rows a statement has removed. */
  const removed = (result: unknown): number => {
    const { affectedRows, changes } = result as { readonly affectedRows?: number; readonly changes?: number }
    return affectedRows ?? changes ?? 0
  }
  const pruned = { outages: 0, decisions: 0, alertThreads: 0, usage: 0 }

  while (true) {
    const found = yield* sql<{ readonly id: number; readonly outage_id: string | null }>`
      SELECT id, outage_id FROM member_events WHERE ${ended} ORDER BY id ${limit}`
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
    yield* Effect.yieldNow
  }

  // SQLite has no limit for DELETE, and no rowid in this table: it goes by the day, which is the beginning of the key.
  const deleteSome = sql.onDialectOrElse({
    mysql: () => sql`DELETE FROM requests WHERE date < ${day} ORDER BY date ${limit}`.raw,
    orElse: () => sql`DELETE FROM requests WHERE date = (SELECT MIN(date) FROM requests WHERE date < ${day})`.raw
  })
  while (true) {
    const rows = removed(yield* retryDeadlocks(deleteSome))
    if (rows === 0) break
    pruned.usage += rows
    yield* Effect.yieldNow
  }
  return pruned satisfies Pruned
})
