import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Api } from "../../http/Api.ts"
import { ExplainAnswer, ExplainQuestion } from "../../http/ExplainAnswer.ts"
import { BadRequest, NotFound } from "../../http/Refusal.ts"
import { explainOffline } from "../../roles/offline.ts"
import { explanationText } from "../explanationText.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"

interface Query {
  readonly name: string
  readonly client: string
  readonly type: "A" | "AAAA"
}

const ask = Effect.fnUntraced(function*(node: string, query: Query) {
  const client = yield* HttpApiClient.make(Api, { baseUrl: node })
  return yield* client.explain({ query })
}, Effect.timeout("10 seconds"))

const askNode = (node: string, query: Query) =>
  ask(node, query).pipe(
    Effect.provide(FetchHttpClient.layer),
    Effect.mapError((error) => ({ message: problemOf(error, node) }))
  )

const problemOf = (error: Effect.Error<ReturnType<typeof ask>>, node: string): string => {
  if (error instanceof BadRequest || error instanceof NotFound) return error.error
  return error._tag === "HttpClientError" && error.reason._tag === "TransportError"
    ? `no node answers at ${node}: is one running there? (--node URL asks another, --config FILE needs none)`
    : `${node} did not explain: ${error.message}`
}

/** Where a node listens when its documents do not say otherwise. */
const ownNode = "http://127.0.0.1:6100"

const readNode = (text: string): Option.Option<string> =>
  ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "") ? Option.some(text) : Option.none()

/** As over HTTP: what is not known is null, and no key is missing. */
const encode = Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(ExplainAnswer)))

export const explain = Command.make(
  "explain",
  {
    name: Argument.String("name").pipe(
      Argument.withDescription("The name that is asked for"),
      Argument.withSchema(ExplainQuestion.name)
    ),
    client: Flag.String("client").pipe(
      Flag.withDescription("Who asks: an IP address, or a network as 203.0.113.0/24"),
      Flag.withSchema(ExplainQuestion.client)
    ),
    type: Flag.Literals("type", ["A", "AAAA"]).pipe(
      Flag.withAlias("t"),
      Flag.withDescription("IPv4 or IPv6 addresses (default A)"),
      Flag.withDefault("A")
    ),
    node: Flag.String("node").pipe(
      Flag.withDescription(`The HTTP API of a running DNS node (default ${ownNode})`),
      Flag.filterMap(readNode, () => `the URL of a node (write ${ownNode})`),
      Flag.optional
    ),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("Ask no node: compute from this local document. The health of the members is unknown then"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print the explanation as JSON"), Flag.withDefault(false))
  },
  Effect.fn(function*({ client, config, json, name, node, type }) {
    const answer = yield* toUserError(Effect.gen(function*() {
      return yield* Option.isSome(config)
        ? explainOffline(config.value, { name, address: client, ipv6: type === "AAAA" })
        : askNode(Option.getOrElse(node, () => ownNode), { name, client, type })
    }))
    if (json) return yield* Console.log(yield* Effect.orDie(encode(answer)))
    yield* Console.log(explanationText(answer.explanation, paint))
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
  })
).pipe(
  Command.validate(({ config, node }) =>
    Option.isSome(config) && Option.isSome(node)
      ? Effect.fail(
        new CliError.ValidationError({ message: "--config asks no node: give either --config or --node, not both" })
      )
      : Effect.void
  ),
  Command.withDescription("Says which members a client is answered with, and why"),
  Command.withExamples([
    { command: "geodns explain rpc.demo.example --client 203.0.113.7", description: "Ask the node on this machine" },
    {
      command: "geodns explain rpc.example --client 203.0.113.7 --config local.json",
      description: "Compute from documents, without a node"
    }
  ])
)
