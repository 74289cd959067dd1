import type { OverrideStatus } from "../../http/OverrideDocument.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { documentTime, spanText } from "./span.ts"
import { type Column, table } from "./table.ts"

/** When it holds: `since 2 h, until somebody ends it`. `now` in milliseconds since the epoch. */
export const periodText = (override: OverrideStatus, now: number): string => {
  const { ended, from, state, until } = override
  if (state === "over") {
    return ended === undefined
      ? `until ${documentTime(until ?? from)}`
      : `ended ${documentTime(ended.at)} by ${plain(ended.by)}`
  }
  const end = until === undefined
    ? "until somebody ends it"
    : `until ${documentTime(until)} (in ${spanText(Date.parse(until) - now)})`
  return state === "planned"
    ? `from ${documentTime(from)} (in ${spanText(Date.parse(from) - now)}), ${end}`
    : `since ${spanText(now - Date.parse(from))}, ${end}`
}

const columns: ReadonlyArray<Column> = [
  { title: "MEMBER" },
  { title: "STATE" },
  { title: "WHEN" },
  { title: "BY" },
  { title: "REASON" }
]

/** Overrides as a table. */
export const overrideTable = (
  overrides: ReadonlyArray<OverrideStatus>,
  options: { readonly now: number; readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => {
  const { now, paint, room } = options
  return table(
    columns,
    overrides.map((override) => [
      { text: override.member },
      {
        text: override.kind === "maintenance" && override.state === "active" ? "maintenance" : override.state,
        paint: override.state === "active" ? paint.bad : override.state === "over" ? paint.dim : undefined
      },
      { text: periodText(override, now) },
      { text: `${override.author} at ${override.node}` },
      { text: override.reason }
    ]),
    { room, title: paint.dim }
  )
}
