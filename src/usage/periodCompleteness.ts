import { dayOf } from "../domain/wire/Usage.ts"
import { endOf } from "./closing.ts"
import type { Completeness } from "./CollectionLedger.ts"

/** How old and complete the collected usage of some days is. */
export interface PeriodCompleteness {
  /** When a node last gave its totals of one of the days, in milliseconds since the epoch; undefined for never. */
  readonly collectedAt: number | undefined
  /** What is not all there, by day and node, oldest first. */
  readonly incomplete: ReadonlyArray<Pick<Completeness, "day" | "node"> & { readonly state: "running" | "missing" }>
  /** The days of which nothing is known, as periods, both inclusive. */
  readonly unknown: ReadonlyArray<{ readonly from: string; readonly to: string }>
}

const before = (day: string): string => dayOf(Date.parse(day) - 1)

/** What a ledger knows of the days `from` to `to`, `YYYY-MM-DD`. Days that are still to come are left out. */
export const periodCompleteness = (
  ledger: ReadonlyArray<Completeness>,
  period: { readonly from: string; readonly to: string },
  now: number
): PeriodCompleteness => {
  const to = period.to < dayOf(now) ? period.to : dayOf(now)
  const known = ledger.filter(({ day }) => day >= period.from && day <= to)
  const unknown: Array<{ readonly from: string; readonly to: string }> = []
  let next = period.from
  for (const day of [...new Set(known.map(({ day }) => day))].sort()) {
    if (next < day) unknown.push({ from: next, to: before(day) })
    next = dayOf(endOf(day))
  }
  if (next <= to) unknown.push({ from: next, to })
  const collectedAt = known.reduce((latest, it) => Math.max(latest, it.collectedAt ?? 0), 0)
  return {
    collectedAt: collectedAt === 0 ? undefined : collectedAt,
    incomplete: known.flatMap(({ day, node, state }) => state === "complete" ? [] : [{ day, node, state }]),
    unknown
  }
}
