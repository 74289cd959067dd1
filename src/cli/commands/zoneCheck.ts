import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { describeProblem } from "../../config/Problem.ts"
import type { ZoneProblem } from "../../dns/ZoneData.ts"
import { listZones } from "../../dns/zoneListing.ts"
import { describeZoneProblem } from "../../dns/Zones.ts"
import { zonesOf } from "../../roles/offline.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { plain } from "../text/plain.ts"

export const zoneCheck = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(Argument.withDescription("The local document: a path or URL")),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object per problem"), Flag.withDefault(false))
  },
  Effect.fn(function*({ file, json }) {
    const read = yield* toUserError(zonesOf(file))
    if (Result.isFailure(read)) {
      for (const problem of read.failure) {
        yield* Console.log(json ? JSON.stringify(problem) : `${paint.bad("error  ")} ${describeProblem(problem)}`)
      }
      return yield* new CliError.UserError({
        cause: read.failure,
        userMessage: `${file}: ${counted(read.failure.length, "error")} in the documents that zones are made of`
      })
    }
    const { errors, oddities, warnings, zones } = read.success
    const print = (severity: "error" | "warning") => (problem: ZoneProblem) =>
      Console.log(
        json
          ? JSON.stringify({ severity, ...problem })
          : `${severity === "error" ? paint.bad("error  ") : paint.dim("warning")} ${
            plain(describeZoneProblem(problem))
          }`
      )
    yield* Effect.forEach(errors, print("error"), { discard: true })
    yield* Effect.forEach(warnings, print("warning"), { discard: true })
    for (const warning of oddities) {
      yield* Console.log(json ? JSON.stringify(warning) : `${paint.dim("warning")} ${plain(describeProblem(warning))}`)
    }
    const counts = `${counted(errors.length, "error")}, ${counted(warnings.length + oddities.length, "warning")}`
    if (errors.length > 0) {
      return yield* new CliError.UserError({
        cause: errors,
        userMessage: `${file}: ${counts}. What is wrong is left out of the zones; the rest is served`
      })
    }
    if (json) return
    const listed = listZones(zones)
    const records = listed.reduce((sum, { records }) => sum + records.length, 0)
    const steered = listed.reduce(
      (sum, { answers }) => sum + answers.filter(({ from }) => from === "members").length,
      0
    )
    yield* Console.log(
      `serves ${counted(listed.length, "zone")} with ${counted(records, "record")}, and steers ${
        counted(steered, "name")
      }`
    )
    yield* Console.log(paint.good(`${file} can be served: ${counts}`))
  })
).pipe(
  Command.withDescription(
    "Builds the zones of a local document and those that it names, and prints what a DNS node would leave out of them (errors), and what it would serve in vain (warnings). Exits with 1 if there is any error."
  ),
  Command.withExamples([{ command: "geodns zone check local.json", description: "Check all zones" }])
)
