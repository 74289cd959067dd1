import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { summarise } from "../../config/Problem.ts"
import { domainName } from "../../dns/DomainName.ts"
import { listZones } from "../../dns/zoneListing.ts"
import { zonesOf } from "../../roles/offline.ts"
import { toUserError } from "../failure.ts"
import { zoneText } from "../text/zoneText.ts"

export const zoneShow = Command.make(
  "show",
  {
    file: Argument.String("file").pipe(Argument.withDescription("The local document: a path or URL")),
    zone: Argument.String("zone").pipe(Argument.withDescription("The zone; all when left out"), Argument.optional),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  Effect.fn(function*({ file, json, zone }) {
    const read = yield* toUserError(zonesOf(file))
    if (Result.isFailure(read)) {
      return yield* new CliError.UserError({ cause: read.failure, userMessage: summarise(read.failure, 5) })
    }
    const all = listZones(read.success.zones)
    const wanted = Option.map(zone, (name) => `${domainName(name)?.text ?? name}.`)
    const shown = Option.match(wanted, { onNone: () => all, onSome: (name) => all.filter((one) => one.name === name) })
    if (shown.length === 0) {
      const there = all.length === 0 ? "there is none" : `there are ${all.map(({ name }) => name).join(", ")}`
      const named = Option.match(wanted, { onNone: () => "", onSome: (name) => ` ${name}` })
      return yield* new CliError.UserError({ cause: wanted, userMessage: `${file} makes no zone${named}: ${there}` })
    }
    yield* Console.log(json ? JSON.stringify(shown) : shown.map(zoneText).join("\n\n"))
  })
).pipe(
  Command.withDescription(
    "Prints the zones of a local document and those that it names, as zone files. What is found out for each question is in comments. The serial of a SOA record is 0 where a node sets it."
  ),
  Command.withExamples([
    { command: "geodns zone show local.json", description: "All zones" },
    { command: "geodns zone show local.json demo.example --json", description: "One of them, for programs" }
  ])
)
