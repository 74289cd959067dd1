import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { boundToText } from "./StoredText.ts"
import { nodeOf } from "./UsageRow.ts"

/**
 * Holds for rows of `requests` in MySQL that count. What a v2 process has written for a node and day that also has rows
 * with a writer is the sum of those, since the node gave it that sum: it would count twice. Looked up for marked rows only.
 */
export const countedUsage = `(requests.foreign_at IS NULL OR LOCATE('~', requests.node_id) > 0 OR NOT EXISTS (
  SELECT 1 FROM requests AS ours WHERE ours.date = requests.date
    AND ours.node_id >= CONCAT(requests.node_id, '~') AND ours.node_id < CONCAT(requests.node_id, _utf8mb4 0x7f)
))`

/** How far back v2 is looked for: what nodes still tell. */
const reach = Duration.toMillis(Duration.days(35))

/** Usage of one node and day that a v2 process has written beside ours. */
export interface ForeignUsage {
  readonly day: string
  readonly node: string
  readonly rows: number
}

/** The usage of the last 35 days that {@link countedUsage} leaves out, by day and node. Reads the index, and those rows. */
export const foreignUsage = SqlClient.SqlClient.use((sql) =>
  Effect.gen(function*() {
    const from = boundToText((yield* Clock.currentTimeMillis) - reach).slice(0, 10)
    const pairs = yield* sql<{ readonly date: string; readonly node_id: string }>`
      SELECT date, node_id FROM requests FORCE INDEX (uniq_traffic_dedupe) WHERE date >= ${from} GROUP BY date, node_id`
    const key = (date: string, node: string): string => `${date} ${node}`
    const ours = new Set(
      pairs.filter(({ node_id }) => node_id.includes("~")).map(({ date, node_id }) => key(date, nodeOf(node_id)))
    )
    const found: Array<ForeignUsage> = []
    for (const { date, node_id } of pairs) {
      if (node_id.includes("~") || !ours.has(key(date, node_id))) continue
      const [row] = yield* sql<{ readonly n: number }>`SELECT COUNT(*) AS n
        FROM requests WHERE date = ${date} AND node_id = ${node_id} AND foreign_at IS NOT NULL`
      if (row !== undefined && row.n > 0) found.push({ day: date, node: node_id, rows: row.n })
    }
    return found as ReadonlyArray<ForeignUsage>
  })
)
