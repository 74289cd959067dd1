import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { databaseOf } from "../../roles/stores.ts"
import * as Migrations from "../../store/Migrations.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { withProgress } from "../progress.ts"
import { migratedText, migratingText, planText } from "../text/migrationText.ts"
import { storeFlags } from "./storeFlags.ts"

const goesOn =
  "What is done stays done: run the same command again, and it goes on where it was. The server may be busy with its last statement for a while."

/** Does what is to be done. Whoever is cut off in the midst of it must know that nothing is lost. */
const run = (minimumOffline: number) => {
  let begun = false
  return withProgress((show) =>
    Migrations.migrate({
      minimumOffline,
      alone: true,
      onProgress: (progress) => {
        begun = true
        return show(migratingText(progress))
      }
    })
  ).pipe(
    Effect.mapError(({ message }) => ({ message: begun ? `${message}. ${goesOn}` : message })),
    Effect.onInterrupt(() => Console.error(`Interrupted. ${begun ? goesOn : "Nothing was changed."}`)),
    // It is all told when it is done.
    Effect.provideService(References.MinimumLogLevel, "Warn")
  )
}

export const migrate = Command.make(
  "migrate",
  storeFlags,
  ({ config, dryRun, json }) =>
    toUserError(Effect.gen(function*() {
      const { client, minimumOffline, name } = yield* databaseOf(config)
      const print = (document: object, text: ReadonlyArray<string>) =>
        Console.log(json ? JSON.stringify({ database: name, dryRun, ...document }) : text.join("\n"))
      yield* Effect.gen(function*() {
        if (!dryRun) {
          const migrations = yield* run(minimumOffline)
          return yield* print({ migrations }, migratedText(name, migrations, paint))
        }
        const migrations = yield* Migrations.migrate({ dryRun, minimumOffline })
        const inTheWay = yield* Migrations.inTheWay(migrations)
        yield* print({ migrations, inTheWay }, planText(name, migrations, inTheWay, paint))
      }).pipe(Effect.provide(client))
    }))
).pipe(
  Command.withDescription(
    "Brings the tables to this version, from nothing, from an older version or from v2. A node does the same at its start; this shows it before, shows how far it is, and refuses while others write. Interrupted, it goes on where it was when it is run again. Exit codes: 0 done or nothing to do, 1 not done, 2 the command is not one."
  ),
  Command.withShortDescription("Bring the tables to this version"),
  Command.withExamples([
    {
      command: "geodns store migrate --config /etc/geodns/collator.json --dry-run",
      description: "Every step in words and in SQL, with the rows it touches; changes nothing"
    },
    { command: "geodns store migrate --config /etc/geodns/collator.json", description: "Do it" }
  ])
)
