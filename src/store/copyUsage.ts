import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"

/** The name that v2's usage has after its rows were copied. */
export const v2Usage = "requests_v2"

/** Rows of the source that are copied by one transaction: some tenths of a second. */
const batchRows = 20_000

const progressName = "usage"

/**
 * Copies v2's usage in batches. The sum is an increment, so each batch is committed together with the position that it
 * reaches: interrupted at any moment, even when it is unknown whether the last batch was committed, it goes on right.
 */
export const copyUsage = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  // The migration has a connection of its own, where statements go one after the other.
  const control = (text: string) => sql.unsafe(text).unprepared

  const orElse = (column: string, value: string) => sql`COALESCE(NULLIF(TRIM(${sql.literal(column)}), ''), ${value})`
  const [progress] = yield* sql<{ readonly position: number }>`
    SELECT position FROM schema_progress WHERE name = ${progressName}`
  let position = progress?.position ?? 0

  while (true) {
    const [batch] = yield* sql<{ readonly last: number | null }>`SELECT MAX(id) AS last FROM (
      SELECT id FROM ${sql(v2Usage)} WHERE id > ${position} ORDER BY id LIMIT ${sql.literal(String(batchRows))}
    ) AS batch`
    const last = batch?.last ?? null
    if (last === null) return
    yield* control("START TRANSACTION")
    yield* sql`INSERT INTO requests (date, node_id, domain_name, member_name, network_asn, network_name, country_code,
        country_name, is_ipv6, hits)
      SELECT COALESCE(date, '1970-01-01'), TRIM(COALESCE(node_id, '')), TRIM(LOWER(COALESCE(domain_name, ''))),
        ${orElse("member_name", "(none)")}, TRIM(COALESCE(network_asn, '')), TRIM(COALESCE(network_name, '')),
        ${orElse("country_code", "??")}, ${orElse("country_name", "Unknown")}, COALESCE(is_ipv6, 0), COALESCE(hits, 0)
      FROM ${sql(v2Usage)} WHERE id > ${position} AND id <= ${last}
      ON DUPLICATE KEY UPDATE requests.hits = requests.hits + VALUES(hits)`
    yield* sql`INSERT INTO schema_progress (name, position) VALUES (${progressName}, ${last})
      ON DUPLICATE KEY UPDATE position = VALUES(position)`
    yield* control("COMMIT")
    position = last
  }
})
