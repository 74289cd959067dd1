import * as Command from "effect/cli/Command"
import { zoneCheck } from "./zoneCheck.ts"
import { zoneShow } from "./zoneShow.ts"

export const zone = Command.make("zone").pipe(
  Command.withDescription("Work with the zones that the documents make"),
  Command.withSubcommands([zoneCheck, zoneShow])
)
