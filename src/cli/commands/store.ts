import * as Command from "effect/cli/Command"
import { migrate } from "./storeMigrate.ts"
import { prune } from "./storePrune.ts"

export const store = Command.make("store").pipe(
  Command.withDescription("Prepare the database of outages and usage for this version, and remove what is too old"),
  Command.withSubcommands([migrate, prune])
)
