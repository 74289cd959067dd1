import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Monitor } from "../../monitor/Monitor.ts"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { monitorApis, monitorNode } from "../../roles/monitor.ts"
import { counted } from "../counted.ts"
import { brokerLine, statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { runNode } from "../runNode.ts"

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

export const monitor = Command.make(
  "monitor",
  { config: localDocument },
  ({ config }) => runNode(Layer.provideMerge(announce, monitorNode(config)))
).pipe(
  Command.withDescription(
    "Runs a monitor: it checks the members, and decides with the other monitors on the broker which of them are up."
  ),
  Command.withExamples([{ command: "geodns monitor --config local.json", description: "Run a monitor" }])
)
