import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { type MigrationAction, RowsDone } from "./migration.ts"

/** The name that v2's usage has after its rows were copied. */
export const v2Usage = "requests_v2"

/** Rows of the source that are copied by one transaction: some tenths of a second. */
const batchRows = 20_000

const progressName = "usage"

const orElse = (column: string, value: string) => `COALESCE(NULLIF(TRIM(${column}), ''), '${value}')`

/** Adds the rows of v2 with ids behind `after` and up to `last` to ours. */
const copyText = (after: string, last: string): string =>
  `INSERT INTO requests (date, node_id, domain_name, member_name, network_asn, network_name, country_code,
    country_name, is_ipv6, hits)
  SELECT COALESCE(date, '1970-01-01'), TRIM(COALESCE(node_id, '')), TRIM(LOWER(COALESCE(domain_name, ''))),
    ${orElse("member_name", "(none)")}, TRIM(COALESCE(network_asn, '')), TRIM(COALESCE(network_name, '')),
    ${orElse("country_code", "??")}, ${orElse("country_name", "Unknown")},
    COALESCE(is_ipv6, 0), COALESCE(hits, 0)
  FROM ${v2Usage} WHERE id > ${after} AND id <= ${last}
  ON DUPLICATE KEY UPDATE requests.hits = requests.hits + VALUES(hits)`

/** Remembers how far that has come. */
const reachedText = (last: string): string =>
  `INSERT INTO schema_progress (name, position) VALUES ('${progressName}', ${last})
  ON DUPLICATE KEY UPDATE position = VALUES(position)`

const positionOf = SqlClient.SqlClient.use((sql) =>
  Effect.map(
    sql<{ readonly position: number }>`SELECT position FROM schema_progress WHERE name = ${progressName}`,
    ([progress]) => progress?.position ?? 0
  )
)

/** How many rows of {@link v2Usage} an interrupted migration has left to copy. */
export const rowsToCopy = SqlClient.SqlClient.use((sql) =>
  Effect.gen(function*() {
    const known = yield* sql`SELECT 1 FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'schema_progress'`
    const after = known.length === 0 ? 0 : yield* positionOf
    const [count] = yield* sql<{ readonly n: number }>`SELECT COUNT(*) AS n FROM ${sql(v2Usage)} WHERE id > ${after}`
    return count?.n ?? 0
  })
)

/**
 * Copies v2's usage in batches. The sum is an increment, so each batch is committed together with the position that it
 * reaches: interrupted at any moment, even when it is unknown whether the last batch was committed, it goes on right.
 */
const copyUsage = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const rowsDone = yield* RowsDone
  // The migration has a connection of its own, where statements go one after the other.
  const control = (text: string) => sql.unsafe(text).unprepared
  let position = yield* positionOf
  let copied = 0

  while (true) {
    const [batch] = yield* sql<{ readonly last: number | null; readonly n: number }>`
      SELECT MAX(id) AS last, COUNT(*) AS n FROM (
        SELECT id FROM ${sql(v2Usage)} WHERE id > ${position} ORDER BY id LIMIT ${sql.literal(String(batchRows))}
      ) AS batch`
    if (batch === undefined || batch.last === null) return
    const last = String(batch.last)
    yield* control("START TRANSACTION")
    yield* control(copyText(String(position), last))
    yield* control(reachedText(last))
    yield* control("COMMIT")
    position = batch.last
    copied += batch.n
    yield* rowsDone(copied)
  }
})

/** The copying of so many rows as a step of a migration. */
export const copying = (rows: number): MigrationAction => ({
  what:
    `copy the rows of ${v2Usage} into requests, with '' for NULL, (none) for no member and ?? for no country, and ` +
    `rows that become the same added up; in batches of ${batchRows}`,
  sql: [
    "START TRANSACTION",
    copyText("<last id of the batch before>", "<last id of this batch>"),
    reachedText("<last id of this batch>"),
    "COMMIT"
  ],
  rows,
  run: Effect.as(copyUsage, `v2's own rows stay in ${v2Usage}: drop it when you have compared the totals`)
})
