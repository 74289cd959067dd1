import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type MigrationAction, RowsDone } from "./migration.ts"
import { boundToText } from "./StoredText.ts"
import {
  type AdoptedOutage,
  adoptV2Outage,
  closeDuplicate,
  firstV2Time,
  isUndated,
  type V2OutageRow
} from "./v2Outage.ts"

/** Rows that are written by one statement. */
const batchRows = 1_000

/** What was done to rows of v2. */
interface Adopted {
  readonly rows: number
  /** Open rows beside another open row of the same target: kept, and closed at their start. */
  readonly duplicates: number
  /** Rows whose start is no time: kept, and begun at the best time that is known. */
  readonly undated: number
}

/** Rows that a v2 process has written or closed and that are not in our form. */
export const countForeignOutages: Effect.Effect<
  { readonly unknown: number; readonly closed: number },
  SqlError,
  SqlClient.SqlClient
> = SqlClient.SqlClient.use((sql) =>
  Effect.map(
    sql<{ readonly unknown_rows: number; readonly closed_rows: number }>`SELECT
      (SELECT COUNT(*) FROM member_events WHERE outage_id IS NULL) AS unknown_rows,
      (SELECT COUNT(*) FROM member_events WHERE outage_id IS NOT NULL AND status <> 0) AS closed_rows`,
    ([row]) => ({ unknown: row?.unknown_rows ?? 0, closed: row?.closed_rows ?? 0 })
  )
)

/** Of rows of v2 that are closed there: they stand in nobody's way. A zero end is none. */
const isClosed = `(status = 1 OR (end_time IS NOT NULL AND end_time >= '${firstV2Time}'))`
const columns =
  `id, check_type, check_name, endpoint, member_name, domain_name, status, is_ipv6, start_time, end_time, error,
    vote_data, additional_data`
const selectClosed = (after: string): string =>
  `SELECT ${columns}
  FROM member_events WHERE outage_id IS NULL AND ${isClosed} AND id > ${after} ORDER BY id LIMIT ${batchRows}`
const selectOpen = `SELECT ${columns}
  FROM member_events WHERE outage_id IS NULL AND NOT ${isClosed} ORDER BY start_time < '${firstV2Time}', start_time, id`
/** v2 closes a row by its status. The end that it set stays, as does the one that was there before. */
const closeByStatus =
  `UPDATE member_events SET end_time = IF(end_time >= '${firstV2Time}', end_time, start_time), status = 0
  WHERE outage_id IS NOT NULL AND status <> 0`

/**
 * Brings the rows of v2 into our form, in batches of which each is committed on its own: interrupted, it goes on where it
 * was. Run by one process at a time, under the lock of the migrations.
 */
const adoptOutages = Effect.fnUntraced(function*(minimumOfflineMillis: number) {
  const sql = yield* SqlClient.SqlClient
  const rowsDone = yield* RowsDone
  let rows = 0
  let duplicates = 0
  let undated = 0
  const now = boundToText(yield* Clock.currentTimeMillis)
  const adopt = (row: V2OutageRow): AdoptedOutage => {
    if (isUndated(row)) undated += 1
    return adoptV2Outage(row, minimumOfflineMillis, now)
  }

  // A whole batch is written by one statement.
  const replace = sql.literal(replaceText)
  let after = 0
  while (true) {
    const found: ReadonlyArray<V2OutageRow> = yield* sql.unsafe<V2OutageRow>(selectClosed(String(after)))
    const [head, ...tail] = found.map((row) => ({ ...adopt(row) }))
    if (head === undefined) break
    yield* sql`INSERT INTO member_events ${sql.insert([head, ...tail])} ${replace}`
    after = found.at(-1)!.id
    rows += found.length
    yield* rowsDone(rows)
  }

  const open: ReadonlyArray<V2OutageRow> = yield* sql.unsafe<V2OutageRow>(selectOpen)
  const write = (row: AdoptedOutage) => {
    const { id, ...set } = row
    // Only if nobody else has changed it since it was read: a v2 process may still be at it.
    return sql`UPDATE member_events SET ${
      sql.csv(Object.entries(set).map(([name, value]) => sql`${sql(name)} = ${value}`))
    }
      WHERE id = ${id} AND outage_id IS NULL AND NOT ${sql.literal(isClosed)}`
  }
  for (const read of open) {
    const row = adopt(read)
    const other = sql<{ readonly outage_id: string }>`SELECT outage_id FROM member_events
      WHERE open_key = UNHEX(SHA2(${row.target_key}, 256))`
    const [known] = yield* other
    if (known === undefined) {
      yield* Effect.catchReason(write(row), "SqlError", "UniqueViolation", () =>
        Effect.flatMap(other, ([now]) => {
          duplicates += 1
          return write(closeDuplicate(row, now?.outage_id ?? ""))
        }))
    } else {
      duplicates += 1
      yield* write(closeDuplicate(row, known.outage_id))
    }
    rows += 1
  }

  yield* sql.unsafe(closeByStatus)
  return { rows, duplicates, undated } satisfies Adopted
})

const emptyRow: V2OutageRow = {
  id: 0,
  check_type: null,
  check_name: null,
  endpoint: null,
  member_name: null,
  domain_name: null,
  status: null,
  is_ipv6: null,
  start_time: null,
  end_time: null,
  error: null,
  vote_data: null,
  additional_data: null
}

const replaced = Object.keys(adoptV2Outage(emptyRow, 0, "")).filter((name) => name !== "id")
const replaceText = `ON DUPLICATE KEY UPDATE ${replaced.map((name) => `${name} = VALUES(${name})`).join(", ")}`

/** The taking over of so many rows as a step of a migration. */
export const adopting = (what: string, rows: number, minimumOfflineMillis: number): MigrationAction => ({
  what: `${what}; in batches of ${batchRows}, open rows one by one`,
  sql: [
    selectClosed("<last id of the batch before>"),
    `INSERT INTO member_events (id, ${replaced.join(", ")})\n  VALUES <these rows in the new form>\n  ${replaceText}`,
    selectOpen,
    `UPDATE member_events SET <the new form> WHERE id = <id> AND outage_id IS NULL AND NOT ${isClosed}`,
    closeByStatus
  ],
  rows,
  run: Effect.map(adoptOutages(minimumOfflineMillis), ({ duplicates, undated }) => {
    const notes = [
      ...(duplicates === 0
        ? []
        : [`open rows beside an older open row of the same target, closed at their own start: ${duplicates}`]),
      ...(undated === 0
        ? []
        : [
          `rows whose start is no time, begun when they ended or, still open, now; what v2 had is in ` +
          `additional_data: ${undated}`
        ])
    ]
    return notes.length === 0 ? undefined : notes.join("; ")
  })
})
