import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { databaseOf } from "../../roles/stores.ts"
import * as Migrations from "../../store/Migrations.ts"
import { prunable, prune as pruneStore } from "../../store/prune.ts"
import { journalDays } from "../../usage/UsageJournals.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { withProgress } from "../progress.ts"
import { terminalColumns } from "../terminal.ts"
import { boundsOf, dayForms, readDays } from "../text/period.ts"
import { pruneTable, pruningText, removedRows } from "../text/pruneText.ts"
import { storeFlags } from "./storeFlags.ts"

/** Between two batches: time for a node that waits to write. */
const pause = "20 millis"

const day = 86_400_000

/** What an operator has to know about a date. */
const hints = (before: number, now: number): ReadonlyArray<string> =>
  before <= now - (journalDays + 1) * day
    ? []
    : [
      `DNS nodes keep their usage for ${journalDays} days: what a collator collects again of those days is stored again.`
    ]

export const prune = Command.make("prune", {
  before: Flag.String("before").pipe(
    Flag.withDescription(
      `Outages that ended, and usage of days, before this day (or the first of this month), UTC: ${dayForms}`
    ),
    Flag.filterMap(readDays, () => `a day or a month (${dayForms})`)
  ),
  ...storeFlags
}, ({ before, config, dryRun, json }) =>
  toUserError(Effect.gen(function*() {
    const { client, name } = yield* databaseOf(config)
    const from = boundsOf(before).from
    yield* Effect.gen(function*() {
      yield* Migrations.check
      const found = yield* prunable(from)
      const rows = dryRun ? found : removedRows(found, yield* remove(from, found))
      if (json) {
        return yield* Console.log(
          JSON.stringify({ database: name, before: before.from, dryRun, tables: rows })
        )
      }
      const wanted = `what ended or was counted before ${before.from}, UTC; open outages stay`
      yield* Console.log([
        ...pruneTable(rows, terminalColumns(), paint),
        dryRun ? `${name}: this would go: ${wanted}. Nothing was removed.` : `${name}: this was removed: ${wanted}.`,
        ...hints(from, yield* Clock.currentTimeMillis).map(paint.dim)
      ].join("\n"))
    }).pipe(Effect.provide(client))
  }))).pipe(
    Command.validate(({ before }) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        boundsOf(before).from <= now ? Effect.void : Effect.fail(
          new CliError.ValidationError({
            message: `--before ${before.from} is still to come: what is counted until then would be lost`
          })
        ))
    ),
    Command.withDescription(
      "Removes outages that ended before a day, with their decisions and alert threads, and usage of days before it. Open outages stay, and those that ended later: no period after the day lacks anything. Nodes may go on working: it is done in small batches. There is no way back. Exit codes: 0 done, 1 not done, 2 the command is not one."
    ),
    Command.withShortDescription("Remove outages and usage before a day"),
    Command.withExamples([
      {
        command: "geodns store prune --before 2024-01 --config /etc/geodns/collator.json --dry-run",
        description: "How many rows of which table, the oldest and the newest; removes nothing"
      },
      { command: "geodns store prune --before 2024-01 --config /etc/geodns/collator.json", description: "Do it" }
    ])
  )

const remove = (before: number, found: Parameters<typeof pruningText>[1]) => {
  let text = "Nothing was removed."
  return withProgress((show) =>
    pruneStore({
      before,
      pause,
      onProgress: (pruned) => {
        text = `${pruningText(pruned, found)}. The rest stays: run the same command again.`
        return show(pruningText(pruned, found))
      }
    })
  ).pipe(Effect.onInterrupt(() => Console.error(`Interrupted: ${text}`)))
}
