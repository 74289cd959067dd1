import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { adoptOutages } from "./adoptOutages.ts"
import { copyUsage, v2Usage } from "./copyUsage.ts"
import type { Migration, MigrationAction } from "./migration.ts"
import * as schema from "./mysqlSchema.ts"

const statement = (text: string, rows?: number): MigrationAction => ({
  what: text,
  rows,
  run: SqlClient.SqlClient.use((sql) => sql.unsafe(text).unprepared)
})

const namesOf = (from: string, column: string) =>
(table: string): Effect.Effect<
  ReadonlySet<string>,
  SqlError,
  SqlClient.SqlClient
> =>
  SqlClient.SqlClient.use((sql) =>
    Effect.map(
      sql<{ readonly name: string }>`SELECT DISTINCT ${sql.literal(column)} AS name
        FROM information_schema.${sql.literal(from)} WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table}`,
      (rows) => new Set(rows.map((row) => row.name))
    )
  )

/** The columns of a table; none when there is no such table. */
const columnsOf = namesOf("COLUMNS", "COLUMN_NAME")
const indexesOf = namesOf("STATISTICS", "INDEX_NAME")

const count = (from: string) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.map(
      sql<{ readonly n: number }>`SELECT COUNT(*) AS n FROM ${sql.literal(from)}`,
      ([row]) => row?.n ?? 0
    )
  )

const createMissing = (table: string, create: string) =>
  Effect.map(columnsOf(table), (columns) => columns.size === 0 ? [statement(create)] : [])

/** What v2 leaves NULL and must not be so in a key. */
const nullTexts = ["check_type", "check_name", "endpoint", "member_name", "domain_name"]

/** v2's table becomes ours in place. Its unique key goes first: it admits one outage per target for all time. */
const convertOutages = Effect.fnUntraced(function*(minimumOfflineMillis: number, columns: ReadonlySet<string>) {
  const indexes = yield* indexesOf("member_events")
  const actions: Array<MigrationAction> = []
  if (indexes.has("uniq_member_event")) {
    actions.push(statement("ALTER TABLE member_events DROP INDEX uniq_member_event"))
  }
  const missing = schema.ownOutageColumns.filter(([name]) => !columns.has(name))
  const unindexed = schema.outageIndexes.filter(([name]) => !indexes.has(name))
  if (missing.length > 0 || unindexed.length > 0) {
    for (const name of [...nullTexts, "status", "is_ipv6", "start_time"]) {
      const rows = yield* count(`member_events WHERE ${name} IS NULL`)
      const value = name === "start_time"
        ? "COALESCE(end_time, '1970-01-01 00:00:00')"
        : nullTexts.includes(name)
        ? "''"
        : "0"
      if (rows > 0) actions.push(statement(`UPDATE member_events SET ${name} = ${value} WHERE ${name} IS NULL`, rows))
    }
    const changes = [
      ...schema.sharedOutageColumns.map(([name, type]) => `MODIFY COLUMN ${name} ${type}`),
      ...missing.map(([name, type]) => `ADD COLUMN ${name} ${type}`),
      ...unindexed.map(([, definition]) => `ADD ${definition}`)
    ]
    actions.push(statement(`ALTER TABLE member_events ${changes.join(", ")}`, yield* count("member_events")))
  }
  const foreign = yield* count(columns.has("outage_id") ? "member_events WHERE outage_id IS NULL" : "member_events")
  if (foreign > 0) {
    actions.push({
      what: "bring the rows of member_events into one form: check types as text, status 0, the domain only in " +
        "domain_name, an identity for each, and one open row per target",
      rows: foreign,
      run: Effect.flatMap(
        adoptOutages(minimumOfflineMillis),
        ({ duplicates, rows }) =>
          Effect.logInfo("outages of v2 taken over").pipe(
            Effect.annotateLogs({ rows, "open rows closed as duplicates": duplicates })
          )
      )
    })
  }
  return actions
})

const outages = (minimumOfflineMillis: number) =>
  Effect.gen(function*() {
    const columns = yield* columnsOf("member_events")
    return [
      ...(columns.size === 0
        ? [statement(schema.createOutages)]
        : yield* convertOutages(minimumOfflineMillis, columns)),
      ...(yield* createMissing("decisions", schema.createDecisions))
    ]
  })

/**
 * v2's rows are copied into a table of the new form, which takes the name first: whoever still writes then does so into
 * the new table, and the source does not change any more. It is left for the operator to drop.
 */
const usage = Effect.gen(function*() {
  const columns = yield* columnsOf("requests")
  const source = yield* columnsOf(v2Usage)
  const actions: Array<MigrationAction> = []
  if (columns.size === 0 && source.size === 0) actions.push(statement(schema.createUsage("requests")))
  const isV2 = columns.has("id")
  if (isV2) {
    actions.push(
      statement("DROP TABLE IF EXISTS requests_new"),
      statement(schema.createUsage("requests_new")),
      statement(`RENAME TABLE requests TO ${v2Usage}, requests_new TO requests`)
    )
  }
  const from = isV2 ? "requests" : source.size > 0 ? v2Usage : undefined
  if (from !== undefined) {
    actions.push(statement(schema.createProgress), {
      what:
        `copy the rows of ${v2Usage} into requests, with '' for NULL, (none) for no member and ?? for no country, ` +
        "and rows that become the same added up",
      rows: yield* count(from),
      run: copyUsage
    })
  }
  return actions
})

/** The schema in MySQL and MariaDB. What is released is never edited: changes are new migrations. */
export const mysqlMigrations = (minimumOfflineMillis: number): ReadonlyArray<Migration> => [
  { id: 1, name: "outages", actions: outages(minimumOfflineMillis) },
  { id: 2, name: "usage", actions: usage },
  { id: 3, name: "alerts", actions: createMissing("alert_threads", schema.createAlerts) }
]
