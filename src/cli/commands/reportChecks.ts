import * as CliError from "effect/cli/CliError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { type Period, periodOf } from "../text/period.ts"

/** The flags that say what a report is about and how it is printed. */
export interface ReportFlags {
  readonly from: Option.Option<Period>
  readonly to: Option.Option<Period>
  readonly csv: boolean
  readonly json: boolean
}

const no = (message: string) => Effect.fail(new CliError.ValidationError({ message }))

/** Refuses what is no report: an empty one would look as if nothing had happened. `days`: how long it is without --from. */
export const checkReport = (days: number, { csv, from, json, to }: ReportFlags) =>
  csv && json
    ? no("give either --json or --csv, not both")
    : Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const period = periodOf(from, to, now, days)
      return period.from <= period.to
        ? Effect.void
        : no(`--from ${period.from} is after ${to._tag === "Some" ? "--to" : "today,"} ${period.to}`)
    })
