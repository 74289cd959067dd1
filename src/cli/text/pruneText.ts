import type { Prunable, Pruned } from "../../store/prune.ts"
import { counted } from "../counted.ts"
import type { Paint } from "../explanationText.ts"
import { table } from "./table.ts"

const what: Readonly<Record<Prunable["table"], string>> = {
  member_events: "outages",
  decisions: "their decisions",
  alert_threads: "their alert threads",
  requests: "usage"
}

/** The rows of each table that go, or are gone. */
export const pruneTable = (rows: ReadonlyArray<Prunable>, room: number | undefined, paint: Paint) =>
  table(
    [{ title: "table" }, { title: "" }, { title: "rows", right: true }, { title: "oldest" }, { title: "newest" }],
    rows.map((row) => [
      { text: row.table },
      { text: what[row.table] },
      { text: String(row.rows) },
      { text: row.oldest?.slice(0, 19) ?? "" },
      { text: row.newest?.slice(0, 19) ?? "" }
    ]),
    { room, title: paint.bold }
  )

/** What was removed, by table, beside what was found before. */
export const removedRows = (found: ReadonlyArray<Prunable>, pruned: Pruned): ReadonlyArray<Prunable> => {
  const removed: Readonly<Record<Prunable["table"], number>> = {
    member_events: pruned.outages,
    decisions: pruned.decisions,
    alert_threads: pruned.alertThreads,
    requests: pruned.usage
  }
  return found.map((row) => ({ ...row, rows: removed[row.table] }))
}

/** How far the removing is. */
export const pruningText = ({ outages, usage }: Pruned, found: ReadonlyArray<Prunable>): string => {
  const of = (name: Prunable["table"]) => found.find((row) => row.table === name)?.rows ?? 0
  return `removed ${outages} of ${counted(of("member_events"), "outage")}, ${usage} of ${
    counted(of("requests"), "row")
  } of usage`
}
