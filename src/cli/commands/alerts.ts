import * as Command from "effect/cli/Command"
import { alertsList } from "./alertsList.ts"
import { alertsTest } from "./alertsTest.ts"

export const alerts = Command.make("alerts").pipe(
  Command.withDescription("Try the channels on which people are told of outages, and see what waits or was refused"),
  Command.withSubcommands([alertsTest, alertsList])
)
