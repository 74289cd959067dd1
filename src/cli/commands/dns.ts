import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DnsServer } from "../../dns/DnsServer.ts"
import { formatListenAddress } from "../../domain/ListenAddress.ts"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { dnsApis, dnsNode } from "../../roles/dns.ts"
import { Steering } from "../../steering/Steering.ts"
import { counted } from "../counted.ts"
import { brokerLine, statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { runNode } from "../runNode.ts"

/** Says what it does, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const { id } = yield* NodeIdentity
  const dns = yield* DnsServer
  const steering = yield* Steering
  yield* Console.log([
    `DNS node ${id}`,
    `  broker  ${yield* brokerLine}`,
    `  DNS     ${formatListenAddress(dns)}, ${counted(steering.names().size, "name")} steered`,
    `  status  ${yield* statusPages(dnsApis)}`
  ].join("\n"))
}))

export const dns = Command.make(
  "dns",
  { config: localDocument },
  ({ config }) => runNode(Layer.provideMerge(announce, dnsNode(config)))
).pipe(
  Command.withDescription(
    "Runs a DNS node: it follows what the monitors decide, answers DNS questions with the nearest member that is up, and counts the answers."
  ),
  Command.withExamples([{ command: "geodns dns --config local.json", description: "Run a DNS node" }])
)
