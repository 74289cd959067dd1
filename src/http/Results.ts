import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { ParsedSearchParams } from "effect/http/HttpServerRequest"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Monitor } from "../monitor/Monitor.ts"
import type { Official } from "../status/Decision.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { refuse } from "./Refusal.ts"
import { resultsJson, type TargetResult } from "./ResultsDocument.ts"
import * as Route from "./Route.ts"
import { textStream } from "./textStream.ts"

const officialResult = ({ data, decidedAt, error, target, up }: Official): TargetResult => ({
  target,
  up,
  error,
  data,
  at: decidedAt
})

const answer = (source: "official" | "local", results: Iterable<TargetResult>) =>
  textStream(resultsJson(results), {
    contentType: "application/json",
    headers: { "x-ibp-results-source": source }
  })

/**
 * `GET /results`: the official status of every target in the shape of v2, for v2's DNS nodes. 503 before the first
 * decision: local results are never passed off as official. `?source=local` asks for what this monitor itself saw last,
 * unvoted and without what has gone stale.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | OfficialStatus> = HttpRouter.use(
  Effect.fnUntraced(function*(router) {
    const status = yield* OfficialStatus
    const monitor = yield* Effect.serviceOption(Monitor)

    const official = Effect.map(status.all, (all) =>
      all.size === 0
        ? refuse(
          503,
          "Nothing is decided yet: no target has an official status. ?source=local asks a monitor for its own results"
        )
        : answer("official", Array.from(all.values(), officialResult)))

    const local = Option.match(monitor, {
      onNone: () => Effect.succeed(refuse(404, "This node is no monitor: it has no local results")),
      onSome: ({ results }) =>
        Effect.map(results, (all) => answer("local", all.flatMap(({ last, stale }) => stale ? [] : [last])))
    })

    yield* Route.get(
      router,
      "/results",
      Effect.gen(function*() {
        const { source } = yield* ParsedSearchParams
        switch (source) {
          case undefined:
          case "official":
            return yield* official
          case "local":
            return yield* local
          default:
            return refuse(400, "source is either official or local")
        }
      })
    )
  })
)
