import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import type { Paint } from "./explanationText.ts"
import { type Remote, withKey } from "./remote.ts"
import { plain } from "./text/plain.ts"
import { agoText, documentTime } from "./text/span.ts"

/** Something that is degraded about a node, as `GET /health` has it. */
export const Degraded = Schema.Struct({ name: Schema.String, detail: Schema.String, since: Schema.String })
export type Degraded = typeof Degraded.Type

const HealthSchema = Schema.Struct({ conditions: Schema.Array(Degraded) })

/**
 * Because of which an answer may be another than that of the other nodes: the node hears nobody, has old documents, knows
 * less of what was decided, or does not know where clients are.
 */
const concernsAnswers =
  /^(?:bus|clock(?:$|:.+)|config:(?:local|\w+DNSConfig|MembersConfig|ServicesConfig)|node-id|official:.+|overrides:.+|results|shadow|status:.+|geoip(?:$|:(?!update).+))$/

/** Of what is degraded about a node, what its answers rest on: what cuts it off first. */
export const ofAnswers = <A extends { readonly name: string }>(conditions: ReadonlyArray<A>): ReadonlyArray<A> =>
  conditions.filter(({ name }) => concernsAnswers.test(name))
    .sort((a, b) => Number(b.name === "bus") - Number(a.name === "bus"))

/** What the answers of a node suffer from; undefined when it does not say. It has 10 seconds. */
export const askConditions = (node: Remote): Effect.Effect<ReadonlyArray<Degraded> | undefined> =>
  HttpClient.HttpClient.pipe(
    Effect.flatMap((client) => withKey(node)(client).get(`${node.url}/health`)),
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap(HttpClientResponse.schemaBodyJson(HealthSchema)),
    Effect.timeout("10 seconds"),
    Effect.map(({ conditions }) => ofAnswers(conditions)),
    Effect.orElseSucceed(() => undefined),
    Effect.provide(FetchHttpClient.layer)
  )

/** A line for each: an answer that may be old is not to be taken for one that is not. `now` in milliseconds since the epoch. */
export const warnings = (
  node: string,
  conditions: ReadonlyArray<Degraded> | undefined,
  options: { readonly now: number; readonly paint: Paint }
): ReadonlyArray<string> =>
  conditions === undefined
    ? [options.paint.bad(plain(`warning: ${node} does not say whether it is cut off or degraded (/health)`))]
    : conditions.map(({ detail, name, since }) =>
      options.paint.bad(
        plain(
          `warning: ${node} is degraded since ${documentTime(since)} (${
            agoText(since, options.now)
          }), ${name}: ${detail}`
        )
      )
    )
