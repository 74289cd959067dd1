import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { adopting } from "./adoptOutages.ts"
import { copying, rowsToCopy, v2Usage } from "./copyUsage.ts"
import { create, type Migration, type MigrationAction, statement } from "./migration.ts"
import * as schema from "./mysqlSchema.ts"

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

const createMissing = (table: string, text: string) =>
  Effect.map(columnsOf(table), (columns) => columns.size === 0 ? [create(text)] : [])

/** What v2 leaves NULL and must not be so in a key. */
const nullTexts = ["check_type", "check_name", "endpoint", "member_name", "domain_name"]

/** v2's table becomes ours in place. Its unique key goes first: it admits one outage per target for all time. */
const convertOutages = Effect.fnUntraced(function*(minimumOfflineMillis: number, columns: ReadonlySet<string>) {
  const indexes = yield* indexesOf("member_events")
  const actions: Array<MigrationAction> = []
  if (indexes.has("uniq_member_event")) {
    actions.push(statement(
      "drop the unique key that admits one outage per target for all time",
      "ALTER TABLE member_events DROP INDEX uniq_member_event"
    ))
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
      if (rows > 0) {
        actions.push(statement(
          `give ${name} a value where it is NULL`,
          `UPDATE member_events SET ${name} = ${value} WHERE ${name} IS NULL`,
          rows
        ))
      }
    }
    const changes = [
      ...schema.sharedOutageColumns.map(([name, type]) => `MODIFY COLUMN ${name} ${type}`),
      ...missing.map(([name, type]) => `ADD COLUMN ${name} ${type}`),
      ...unindexed.map(([, definition]) => `ADD ${definition}`)
    ]
    actions.push(statement(
      "give member_events the columns and indexes of this version; the server builds the table anew and lets nobody write " +
        "into it meanwhile",
      `ALTER TABLE member_events\n  ${changes.join(",\n  ")}`,
      yield* count("member_events")
    ))
  }
  const foreign = yield* count(columns.has("outage_id") ? "member_events WHERE outage_id IS NULL" : "member_events")
  if (foreign > 0) {
    actions.push(adopting(
      "bring the rows of member_events into one form: check types as text, status 0, the domain only in " +
        "domain_name, an identity for each, and one open row per target",
      foreign,
      minimumOfflineMillis
    ))
  }
  return actions
})

const outages = (minimumOfflineMillis: number) =>
  Effect.gen(function*() {
    const columns = yield* columnsOf("member_events")
    return [
      ...(columns.size === 0
        ? [create(schema.createOutages)]
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
  if (columns.size === 0 && source.size === 0) actions.push(create(schema.createUsage("requests")))
  const isV2 = columns.has("id")
  if (isV2) {
    actions.push(
      statement("drop what an interrupted migration has left", "DROP TABLE IF EXISTS requests_new"),
      create(schema.createUsage("requests_new")),
      statement(
        `put the new table in the place of the old one, which is ${v2Usage} from then on`,
        `RENAME TABLE requests TO ${v2Usage}, requests_new TO requests`
      )
    )
  }
  if (isV2 || source.size > 0) {
    actions.push(create(schema.createProgress), copying(yield* isV2 ? count("requests") : rowsToCopy))
  }
  return actions
})

/** Tells what v2 writes into `requests` from what we do. The second step is the one that may be missing after a kill. */
const usageWriters = Effect.map(columnsOf("requests"), (columns) => [
  ...(columns.has("foreign_at") ? [] : [statement("mark rows of requests that others write", schema.addForeignAt)]),
  statement("let the server set the mark", schema.fillForeignAt)
])

/** Whoever still writes without these columns goes on doing so. */
const certificates = Effect.map(columnsOf("decisions"), (columns) => {
  const missing = schema.proofColumns.filter(([name]) => !columns.has(name))
  return missing.length === 0 ? [] : [statement(
    `add to decisions what proves them: ${missing.map(([name]) => name).join(", ")}`,
    `ALTER TABLE decisions\n  ${missing.map(([name, type]) => `ADD COLUMN ${name} ${type}`).join(",\n  ")}`
  )]
})

const alertDuty = Effect.map(
  Effect.all([
    createMissing("alert_leases", schema.createAlertLeases),
    createMissing("alert_memory", schema.createAlertMemory),
    createMissing("alert_dead_letters", schema.createAlertDeadLetters)
  ]),
  (tables) => tables.flat()
)

/** The schema in MySQL and MariaDB. What is released is never edited: changes are new migrations. */
export const mysqlMigrations = (minimumOfflineMillis: number): ReadonlyArray<Migration> => [
  { id: 1, name: "outages", actions: outages(minimumOfflineMillis) },
  { id: 2, name: "usage", actions: usage },
  { id: 3, name: "alerts", actions: createMissing("alert_threads", schema.createAlerts) },
  { id: 4, name: "usage_writers", actions: usageWriters },
  { id: 5, name: "certificates", actions: certificates },
  { id: 6, name: "alert_duty", actions: alertDuty }
]
