import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import type { EditionReport, Progress } from "../../geo/updateDatabases.ts"
import { updateGeo } from "../../roles/geo.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { withProgress } from "../progress.ts"

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`

const progressText = ({ edition, received, size }: Progress): string =>
  size === undefined || size === 0
    ? `${edition}: ${mebibytes(received)}`
    : `${edition}: ${Math.floor(Math.min(1, received / size) * 100)} % of ${mebibytes(size)}`

/** Asks the provider, and shows on a terminal how far it is. */
const update = (config: string) =>
  withProgress((show) => {
    let latest: Progress | undefined
    const showing = Effect.suspend(() => latest === undefined ? Effect.void : show(progressText(latest)))
    return Effect.scoped(Effect.gen(function*() {
      yield* show("asking for newer databases")
      yield* Effect.forkScoped(Effect.forever(Effect.delay(showing, "200 millis")))
      return yield* updateGeo(config, (progress) => {
        latest = progress
      })
    }))
  })

const text = ({ edition, file, outcome }: EditionReport): string =>
  outcome === "updated"
    ? paint.good(`${edition}: a newer one is in ${file}`)
    : outcome === "unchanged"
    ? `${edition}: ${file} is the newest`
    : paint.bad(outcome.message)

const document = ({ edition, file, outcome }: EditionReport) =>
  typeof outcome === "string"
    ? { edition, file, outcome }
    : { edition, file, outcome: "failed", error: outcome.message }

export const geoipUpdate = Command.make(
  "update",
  {
    config: localDocument,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  Effect.fn(function*({ config, json }) {
    const { directory, editions } = yield* toUserError(update(config)).pipe(
      // What went wrong is said below.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
    yield* Console.log(
      json ? JSON.stringify({ directory, editions: editions.map(document) }) : editions.map(text).join("\n")
    )
    const failed = editions.filter(({ outcome }) => typeof outcome !== "string").length
    if (failed > 0) {
      return yield* new CliError.UserError({
        cause: editions,
        userMessage: `${failed} of ${editions.length} editions could not be updated`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Downloads newer GeoIP databases now, with the account of the local document. A node that runs finds them by itself. Exits with 1 if any could not be had."
  ),
  Command.withExamples([{ command: "geodns geoip update --config local.json", description: "Ask the provider now" }])
)
