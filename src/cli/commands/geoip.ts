import * as Command from "effect/cli/Command"
import { geoipLookup } from "./geoipLookup.ts"
import { geoipUpdate } from "./geoipUpdate.ts"

export const geoip = Command.make("geoip").pipe(
  Command.withDescription("Work with GeoIP databases"),
  Command.withSubcommands([geoipLookup, geoipUpdate])
)
