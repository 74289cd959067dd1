import * as Flag from "effect/cli/Flag"

/** The flags of every command that works on the store. */
export const storeFlags = {
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document that names the store, of a collator or a standalone node")
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Only say what would be done; nothing is changed"),
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
}
