import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isUsedAsSubnet } from "../../dns/ClientSubnet.ts"
import { ExplainAnswer, ExplainQuestion } from "../../http/ExplainAnswer.ts"
import { explainOffline } from "../../roles/offline.ts"
import { askConditions, Degraded, warnings } from "../answerConditions.ts"
import { explanationText } from "../explanationText.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { askRemote, keyFileFlag, nodeFlag, remote } from "../remote.ts"
import { plain } from "../text/plain.ts"

/** As over HTTP, with what is degraded about the node: what is not known is null, and no key is missing. */
const encode = Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(
  Schema.Struct({ ...ExplainAnswer.fields, conditions: Schema.NullOr(Schema.Array(Degraded)) })
)))

/** What is explained is the answer to `address` as the one that asks. */
const notASubnet = (address: string): string =>
  `DNS does not use a private or unspecified client subnet: it answers by the address of the resolver. This is what a resolver at ${address} gets.`

export const explain = Command.make(
  "explain",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("The name that is asked for"),
      Argument.filterMap(Schema.decodeUnknownOption(ExplainQuestion.name), () => "a host name")
    ),
    client: Flag.String("client").pipe(
      Flag.withDescription("Who asks: an IP address, or a network as 203.0.113.0/24"),
      Flag.filterMap(
        Schema.decodeUnknownOption(ExplainQuestion.client),
        () => "an IP address or a network, as 203.0.113.7 or 2001:db8::/56"
      )
    ),
    type: Flag.Literals("type", ["A", "AAAA"]).pipe(
      Flag.withAlias("t"),
      Flag.withDescription("IPv4 or IPv6 addresses (default A)"),
      Flag.withDefault("A")
    ),
    node: nodeFlag,
    keyFile: keyFileFlag,
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("Ask no node: compute from this local document. The health of the members is unknown then"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print the explanation as JSON"), Flag.withDefault(false))
  },
  Effect.fn(function*({ client, config, json, keyFile, name, node, type }) {
    const { answer, conditions } = yield* toUserError(Effect.gen(function*() {
      if (Option.isSome(config)) {
        return yield* explainOffline(config.value, { name, address: client, ipv6: type === "AAAA" })
      }
      const known = yield* remote({ node, keyFile })
      return yield* Effect.all({
        answer: askRemote(known, (api) => api.explain({ query: { name, client, type } })),
        conditions: askConditions(known)
      }, { concurrency: 2 })
    }))
    if (json) return yield* Console.log(yield* Effect.orDie(encode({ ...answer, conditions: conditions ?? null })))
    if (Option.isNone(config)) {
      const now = yield* Clock.currentTimeMillis
      yield* Effect.forEach(warnings(answer.node, conditions, { now, paint }), (line) => Console.log(line), {
        discard: true
      })
    }
    yield* Console.log(explanationText(answer, paint))
    const place = [answer.countryName, answer.asn, answer.network].filter((part) => part !== "").join(", ")
    yield* Console.log(`\n${
      paint.dim(
        `${answer.address}: ${place}. ${
          Option.isSome(config)
            ? `From ${config.value} alone: the health of the members is unknown.`
            : `As ${answer.node} sees it.`
        }`
      )
    }`)
    if (Option.isSome(config) && conditions !== undefined && conditions.length > 0) {
      yield* Console.log(paint.dim(plain(`GeoIP: ${conditions.map(({ detail }) => detail).join(" ")}`)))
    }
    if (!isUsedAsSubnet(answer.address)) yield* Console.log(paint.dim(notASubnet(answer.address)))
  })
).pipe(
  Command.validate(({ config, node }) =>
    Option.isSome(config) && Option.isSome(node)
      ? Effect.fail(
        new CliError.ValidationError({ message: "--config asks no node: give either --config or --node, not both" })
      )
      : Effect.void
  ),
  Command.withDescription(
    "Says how a client is answered, and why: what the zones have (a static record, an alias, a delegation, no such name), then which members are chosen. A node that is cut off from the others, or has old documents, is warned of: its answer may be another than theirs. With --json that is in `conditions` (null when the node does not say)."
  ),
  Command.withShortDescription("Says how a client is answered, and why"),
  Command.withExamples([
    { command: "geodns explain rpc.demo.example --client 203.0.113.7", description: "Ask the node on this machine" },
    {
      command: "geodns explain rpc.example --client 203.0.113.7 --config local.json",
      description: "Compute from documents, without a node"
    }
  ])
)
