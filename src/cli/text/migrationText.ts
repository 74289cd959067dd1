import type { MigrationReport, MigrationStep } from "../../store/MigrationReport.ts"
import { counted } from "../counted.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"

const rowsText = (rows: number | undefined): string => rows === undefined ? "" : ` (${counted(rows, "row")})`

const sqlLines = (text: string): ReadonlyArray<string> => `${text};`.split("\n").map((line) => `       ${plain(line)}`)

const stepLines = ({ note, rows, sql, what }: MigrationStep, i: number, withSql: boolean, paint: Paint) => [
  `  ${i + 1}. ${what}${rowsText(rows)}`,
  ...(withSql ? sql.flatMap(sqlLines).map(paint.dim) : []),
  ...(note === undefined ? [] : [`     ${note}`])
]

const lines = (reports: ReadonlyArray<MigrationReport>, withSql: boolean, paint: Paint) =>
  reports.flatMap(({ migration, steps }) => [
    "",
    paint.bold(migration),
    ...(steps.length === 0
      ? ["  everything of it is there already: it is recorded as done"]
      : steps.flatMap((step, i) => stepLines(step, i, withSql, paint)))
  ])

const nothing = (database: string): string =>
  `${database}: the tables are those of this version, nothing is to be done.`

/** What a migration would do, for the operator and his database administrator: in words, and in SQL. */
export const planText = (
  database: string,
  reports: ReadonlyArray<MigrationReport>,
  inTheWay: ReadonlyArray<string>,
  paint: Paint
): ReadonlyArray<string> =>
  reports.length === 0 ? [nothing(database)] : [
    `${database}: this is to be done, in this order. Nothing was changed.`,
    ...lines(reports, true, paint),
    "",
    "Each migration that is done is recorded in the table schema_migrations, which is made first.",
    ...(inTheWay.length === 0 ? [] : [
      "",
      paint.bad(
        `Stop first who uses the database as the same user: ${counted(inTheWay.length, "connection")} from ${
          inTheWay.join(", ")
        }. geodns store migrate refuses as long as they are there.`
      )
    ])
  ]

/** What a migration has done. */
export const migratedText = (
  database: string,
  reports: ReadonlyArray<MigrationReport>,
  paint: Paint
): ReadonlyArray<string> =>
  reports.length === 0
    ? [nothing(database)]
    : [`${database}: this was done.`, ...lines(reports, false, paint)]

/** What a migration is at. */
export const migratingText = (
  { done, migration, rows, what }: {
    readonly migration: string
    readonly what: string
    readonly rows: number | undefined
    readonly done: number
  }
): string => {
  const far = rows === undefined ? "" : `, ${done === 0 ? "" : `${done} of `}${counted(rows, "row")}`
  return `${migration}${far}: ${what}`
}
