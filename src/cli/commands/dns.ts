import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DnsServer } from "../../dns/DnsServer.ts"
import { PdnsBackend } from "../../dns/pdns/PdnsBackend.ts"
import { formatListenAddress } from "../../domain/ListenAddress.ts"
import { NodeIdentity } from "../../node/NodeIdentity.ts"
import { dnsApis, dnsNode } from "../../roles/dns.ts"
import { pdnsConfOf } from "../../roles/pdns.ts"
import { Steering } from "../../steering/Steering.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { brokerLine, statusPages } from "../listening.ts"
import { localDocument } from "../localDocument.ts"
import { runNode } from "../runNode.ts"

/** Says what it does, once it does. */
const announce = Layer.effectDiscard(Effect.gen(function*() {
  const { id } = yield* NodeIdentity
  const dns = yield* DnsServer
  const { http, socket } = yield* PdnsBackend
  const pdns = [...socket === undefined ? [] : [socket], ...http === undefined ? [] : [formatListenAddress(http)]]
  const steering = yield* Steering
  yield* Console.log([
    `DNS node ${id}`,
    `  broker  ${yield* brokerLine}`,
    `  DNS     ${dns.isListening() ? "" : "not yet on "}${formatListenAddress(dns)}, ${
      counted(steering.names().size, "name")
    } steered`,
    ...pdns.length === 0 ? [] : [`  PowerDNS asks at ${pdns.join(" and ")}`],
    `  status  ${yield* statusPages(dnsApis)}`
  ].join("\n"))
}))

export const dns = Command.make(
  "dns",
  {
    config: localDocument,
    printPdnsConf: Flag.Boolean("print-pdns-conf").pipe(
      Flag.withDescription(
        "Print the configuration for PowerDNS (Debian's pdns-server with pdns-backend-remote), and end"
      ),
      Flag.withDefault(false)
    )
  },
  ({ config, printPdnsConf }) =>
    printPdnsConf
      ? Effect.flatMap(toUserError(pdnsConfOf(config)), (conf) => Console.log(conf.trimEnd()))
      : runNode(Layer.provideMerge(announce, dnsNode(config)))
).pipe(
  Command.withDescription(
    "Runs a DNS node: it follows what the monitors decide, answers DNS questions with the nearest member that is up, and counts the answers."
  ),
  Command.withExamples([
    { command: "geodns dns --config local.json", description: "Run a DNS node" },
    {
      command: "geodns dns --config local.json --print-pdns-conf > /etc/powerdns/pdns.d/geodns.conf",
      description: "Have PowerDNS ask it"
    }
  ])
)
