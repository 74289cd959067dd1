import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DnsServer } from "../../dns/DnsServer.ts"
import { formatListenAddress } from "../../domain/ListenAddress.ts"
import { Monitor } from "../../monitor/Monitor.ts"
import { standalone as standaloneRole, standaloneApis } from "../../roles/standalone.ts"
import { Steering } from "../../steering/Steering.ts"
import { counted } from "../counted.ts"
import { statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { runNode } from "../runNode.ts"

/** Says where it listens, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const dns = yield* DnsServer
  const steering = yield* Steering
  const planned = yield* Monitor.use((monitor) => monitor.planned)
  yield* Console.log([
    "One node, deciding alone: its own observations are its decisions (minimum of votes 1).",
    `  DNS     ${dns.isListening() ? "" : "not yet on "}${formatListenAddress(dns)}, ${
      counted(steering.names().size, "name")
    } steered`,
    `  checks  ${counted(planned, "target")}`,
    `  status  ${yield* statusPages(standaloneApis)}`
  ].join("\n"))
}))

export const standalone = Command.make(
  "standalone",
  { config: localDocument },
  ({ config }) => runNode(Layer.provideMerge(announce, standaloneRole(config)))
).pipe(
  Command.withDescription(
    "Runs a monitor, a DNS node and a collator in one process and as one node, with nothing else installed. It decides alone: no other node is asked."
  ),
  Command.withExamples([
    { command: "geodns standalone --config local.json", description: "Run an operator's documents" }
  ])
)
