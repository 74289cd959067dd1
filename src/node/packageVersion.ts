import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"

/** The version of this package; `unknown` when its package.json was not deployed with it. */
export const packageVersion: Effect.Effect<string> = Effect.try({
  try: () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
    return typeof version === "string" ? version : "unknown"
  },
  catch: () => "unknown"
}).pipe(Effect.catch(Effect.succeed))
