import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ask, type DnsAnswer, type DnsRecord } from "../../dns/DnsClient.ts"
import { toUserError } from "../failure.ts"
import { readServerAddress } from "../serverAddress.ts"

const recordText = (record: DnsRecord): string => `${record.name}. ${record.ttl} ${record.type} ${record.data}`

/** An answer for people, one record per line. */
const answerText = (answer: DnsAnswer): string =>
  [
    `; ${answer.rcode}${answer.flags.aa ? ", authoritative" : ""}, over ${answer.transport.toUpperCase()}${
      answer.subnet === undefined
        ? ""
        : `, for ${answer.subnet.address}/${answer.subnet.source}, scope /${answer.subnet.scope}`
    }`,
    ...answer.answers.map(recordText),
    ...answer.authority.map((record) => `; authority: ${recordText(record)}`)
  ].join("\n")

export const dig = Command.make("dig", {
  name: Argument.String("name").pipe(Argument.withDescription("The name to ask for")),
  type: Flag.String("type").pipe(
    Flag.withAlias("t"),
    Flag.withDescription("The record type: A, AAAA, SOA, NS, TXT … (default A)"),
    Flag.withDefault("A")
  ),
  server: Flag.String("server").pipe(
    Flag.withAlias("s"),
    Flag.withDescription("The server as address:port (default 127.0.0.1:5300)"),
    Flag.withDefault("127.0.0.1:5300"),
    Flag.filterMap(
      readServerAddress,
      () => "an address of a server, as 127.0.0.1:5300 or [::1]:5300"
    )
  ),
  subnet: Flag.String("subnet").pipe(
    Flag.withDescription("Ask as a client in this network would be answered, as 203.0.113.0/24 (EDNS client subnet)"),
    Flag.optional
  ),
  tcp: Flag.Boolean("tcp").pipe(Flag.withDescription("Ask over TCP"), Flag.withDefault(false)),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the answer as JSON"), Flag.withDefault(false))
}, ({ json, name, server, subnet, tcp, type }) =>
  ask({
    server: server.host,
    port: server.port,
    name,
    type,
    ...Option.isSome(subnet) && { subnet: subnet.value },
    ...tcp && { tcp }
  }).pipe(
    Effect.flatMap((answer) => Console.log(json ? JSON.stringify(answer) : answerText(answer))),
    toUserError
  )).pipe(
    Command.withDescription("Asks a DNS server one question. For machines without dig."),
    Command.withExamples([
      { command: "geodns dig rpc.demo.example --subnet 203.0.113.0/24", description: "What clients there are answered" }
    ])
  )
