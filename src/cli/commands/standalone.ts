import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../../config/Config.ts"
import { DnsServer } from "../../dns/DnsServer.ts"
import { formatListenAddress } from "../../domain/ListenAddress.ts"
import { Monitor } from "../../monitor/Monitor.ts"
import { apiAddresses, standalone as standaloneRole } from "../../roles/standalone.ts"
import { Steering } from "../../steering/Steering.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { service } from "../service.ts"

/** Says where it listens, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const dns = yield* DnsServer
  const steering = yield* Steering
  const planned = yield* Monitor.use((monitor) => monitor.planned)
  const { local } = yield* Config.use((config) => config.current)
  const pages = apiAddresses(local).map((api) =>
    api.port === 0 ? `http on ${api.host}, a port that the system chose` : `http://${formatListenAddress(api)}/`
  )
  yield* Console.log([
    "One node, deciding alone: its own observations are its decisions (minimum of votes 1).",
    `  DNS     ${formatListenAddress(dns)}, ${counted(steering.names().size, "name")} steered`,
    `  checks  ${counted(planned, "target")}`,
    `  status  ${pages.join("\n          ")}`
  ].join("\n"))
}))

export const standalone = Command.make("standalone", {
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document: a path or URL")
  )
}, ({ config }) => service(toUserError(Layer.launch(Layer.provide(announce, standaloneRole(config)))))).pipe(
  Command.withDescription(
    "Runs a monitor, a DNS node and a collator in one process and as one node, with nothing else installed. It decides alone: no other node is asked."
  ),
  Command.withExamples([
    { command: "geodns standalone --config local.json", description: "Run an operator's documents" }
  ])
)
