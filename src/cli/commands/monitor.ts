import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Monitor } from "../../monitor/Monitor.ts"
import type { OnceReport } from "../../monitor/runOnce.ts"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { monitorApis, monitorNode } from "../../roles/monitor.ts"
import { checkOnce } from "../../roles/once.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { brokerLine, statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { paint } from "../paint.ts"
import { withProgress } from "../progress.ts"
import { runNode } from "../runNode.ts"
import { terminalColumns } from "../terminal.ts"
import { countOnce, onceText } from "../text/onceText.ts"

/** Says what it does, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const { id } = yield* NodeIdentity
  const planned = yield* Monitor.use((monitor) => monitor.planned)
  yield* Console.log([
    `Monitor ${id}`,
    `  broker  ${yield* brokerLine}`,
    `  checks  ${counted(planned, "target")}`,
    `  status  ${yield* statusPages(monitorApis)}`
  ].join("\n"))
}))

const document = ({ problems, reach, results }: OnceReport) => ({
  reach,
  problems,
  results: results.map(({ leftOut, observation, target }) => ({
    ...target,
    // Null: this machine could not try, or it was left out.
    up: observation?.up ?? null,
    ...leftOut !== undefined && { leftOut },
    ...observation !== undefined && {
      error: observation.error,
      data: observation.data,
      at: new Date(observation.at).toISOString(),
      latency: observation.latency
    }
  }))
})

const once = Effect.fnUntraced(function*(config: string, json: boolean) {
  const report = yield* toUserError(
    withProgress((show) => checkOnce(config, (done, all) => show(`${done} of ${counted(all, "target")}`)))
  )
  yield* json
    ? Console.log(JSON.stringify(document(report)))
    : Effect.forEach(onceText(report, { paint, room: terminalColumns() }), (line) => Console.log(line), {
      discard: true
    })
  const { down, untried } = countOnce(report)
  const wrong = [
    ...down === 0 ? [] : [`${counted(down, "target")} down`],
    ...untried === 0 ? [] : [`${counted(untried, "target")} not tried`],
    ...report.problems.length === 0 ? [] : [`${counted(report.problems.length, "problem")} of the checks`]
  ]
  if (wrong.length > 0) {
    return yield* new CliError.UserError({ cause: report.problems, userMessage: `${config}: ${wrong.join(", ")}` })
  }
})

export const monitor = Command.make(
  "monitor",
  {
    config: localDocument,
    once: Flag.Boolean("once").pipe(
      Flag.withDescription(
        "Run every check once, print what it sees, and end: without a broker, and without telling anybody"
      ),
      Flag.withDefault(false)
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("With --once: print it as JSON"), Flag.withDefault(false))
  },
  ({ config, json, once: isOnce }) =>
    isOnce ? once(config, json) : runNode(Layer.provideMerge(announce, monitorNode(config)))
).pipe(
  Command.validate(({ json, once }) =>
    json && !once
      ? Effect.fail(new CliError.ValidationError({ message: "--json goes with --once" }))
      : Effect.void
  ),
  Command.withDescription(
    "Runs a monitor: it checks the members, and decides with the other monitors on the broker which of them are up. With --once it checks everything once and ends: with 0 when all of it is up, else with 1."
  ),
  Command.withShortDescription("Runs a monitor"),
  Command.withExamples([
    { command: "geodns monitor --config local.json", description: "Run a monitor" },
    { command: "geodns monitor --once --config local.json", description: "Look at everything once, without a broker" }
  ])
)
