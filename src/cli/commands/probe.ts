import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { describeTarget } from "../../domain/Target.ts"
import { probeTarget } from "../../roles/probe.ts"
import { toUserError } from "../failure.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { probeText } from "../text/probeText.ts"

export const probe = Command.make(
  "probe",
  {
    target: Argument.String("target").pipe(
      Argument.withDescription(
        "Words that one target has: a member, a domain, a URL or parts of them; the name or type of a check, ipv4 or ipv6, which mean just that"
      ),
      Argument.variadic({ min: 1 })
    ),
    config: localDocument,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print it as JSON"), Flag.withDefault(false))
  },
  Effect.fn(function*({ config, json, target }) {
    const { looked, planned } = yield* toUserError(probeTarget(config, target))
    const { address, port } = planned
    // Null: this machine could not try.
    yield* json
      ? Console.log(JSON.stringify({ ...planned.target, address, port, ...looked, up: looked.up ?? null }))
      : Effect.forEach(probeText(planned, looked, { paint, room: terminalColumns() }), (line) => Console.log(line), {
        discard: true
      })
    if (looked.up !== true) {
      const state = looked.up === false ? "down" : "not tried"
      return yield* new CliError.UserError({
        cause: looked,
        userMessage: `${describeTarget(planned.target)} is ${state}`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Probes one target of a local document once, as a monitor would, and shows each step and its time. Nobody is told. Exits with 1 when it is not up."
  ),
  Command.withShortDescription("Probes one target and shows each step"),
  Command.withExamples([
    {
      command: 'geodns probe wss "Potomac Works" wss://rpc.example/kusama ipv4 --config local.json',
      description: "One check of one member"
    }
  ])
)
