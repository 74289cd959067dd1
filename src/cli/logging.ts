import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

type Format = "pretty" | "json"

/** For people on a terminal, for programs otherwise; `GEODNS_LOG_FORMAT` says it for sure. */
const format: Effect.Effect<Format> = Config.Literals(["pretty", "json"], "GEODNS_LOG_FORMAT").pipe(
  Effect.catch(() => Effect.succeed<Format>(process.stderr.isTTY ? "pretty" : "json"))
)

/**
 * The log, on standard error: what commands print goes to standard output. As JSON each line is one object with `timestamp`,
 * `level`, `message`, `annotations`, `spans`, `fiberId`, and `cause` where something failed.
 */
export const layer: Layer.Layer<never> = Layer.merge(
  Layer.unwrap(
    Effect.map(
      format,
      (format) =>
        Logger.layer([format === "pretty" ? Logger.consolePretty() : Logger.withConsoleError(Logger.formatJson)])
    )
  ),
  Layer.succeed(Logger.LogToStderr, true)
)
