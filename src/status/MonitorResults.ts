import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Config } from "../config/Config.ts"
import { authorize, whatHappened, withoutCredentials } from "../config/fetching.ts"
import { gather } from "../config/gather.ts"
import { inSlices } from "../config/inSlices.ts"
import { type MonitorResults as Results, readingResults } from "./readResults.ts"
import {
  BadAddress,
  BadStatus,
  NoMonitor,
  NoResults,
  NotOfficial,
  ResultsError,
  TimedOut,
  TooLarge,
  Unreachable
} from "./ResultsError.ts"
import { type ResultsUrl, resultsUrl } from "./resultsUrl.ts"

/** Seconds that the reading of the results may take. */
export const resultsTimeout = 10

/** The longest answer, in bytes after decompression. */
export const maxResultsBytes = 16 * 1024 * 1024

/** The official results of a monitor. */
export interface OfficialResults extends Results {
  /** `host:port` of the monitor. */
  readonly host: string
}

/**
 * The official status as the `/results` of the monitor at `DnsApi.MonitorAddress` tell it: v2's way, and ours where the
 * bus does not tell. What a monitor says that it only saw itself is refused.
 */
export class MonitorResults extends Context.Service<MonitorResults, {
  /** `host:port` of the monitor; undefined when none is configured. */
  readonly host: Effect.Effect<string | undefined>
  readonly read: Effect.Effect<OfficialResults, ResultsError>
}>()("effect-geodns/status/MonitorResults") {
  /** Over HTTP, without following redirects, from where the configuration says at the time. */
  static readonly layer: Layer.Layer<MonitorResults, never, Config> = Layer.effect(
    MonitorResults,
    Effect.gen(function*() {
      const config = yield* Config
      const client = (yield* HttpClient.HttpClient).pipe(HttpClient.withScope)
      const api = Effect.map(config.current, ({ local }) => local.DnsApi)
      return MonitorResults.of({
        host: Effect.map(api, (api) => resultsUrl(api.MonitorAddress, api.MonitorPort)?.host),
        read: Effect.gen(function*() {
          const { MonitorAddress, MonitorPort } = yield* api
          const place = resultsUrl(MonitorAddress, MonitorPort)
          if (place === undefined) {
            const reason = MonitorAddress.trim() === "" ? new NoMonitor() : new BadAddress()
            return yield* new ResultsError({ host: "", reason })
          }
          return yield* Effect.mapError(
            fetchResults(client, place),
            (reason) => new ResultsError({ host: place.host, reason })
          )
        }).pipe(Effect.withSpan("MonitorResults.read"))
      })
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

  /** What a monitor named `host` answers, as text, whenever it is asked. */
  static readonly layerMemory = (options: {
    readonly host: string
    readonly answer: Effect.Effect<string, ResultsError["reason"]>
  }): Layer.Layer<MonitorResults> =>
    Layer.succeed(
      MonitorResults,
      MonitorResults.of({
        host: Effect.succeed(options.host),
        read: Effect.flatMap(options.answer, (text) => parse(options.host, text)).pipe(
          Effect.mapError((reason) => new ResultsError({ host: options.host, reason }))
        )
      })
    )
}

const parse = Effect.fnUntraced(
  function*(host: string, text: string): Effect.fn.Return<OfficialResults, NoResults> {
    const results = yield* inSlices(readingResults(text))
    return results === undefined ? yield* new NoResults() : { ...results, host }
  }
)

const fetchResults = Effect.fnUntraced(
  function*(
    client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>,
    { host, url }: ResultsUrl
  ): Effect.fn.Return<OfficialResults, ResultsError["reason"], Scope.Scope> {
    const response = yield* client.execute(
      HttpClientRequest.get(withoutCredentials(url)).pipe(HttpClientRequest.acceptJson, authorize(url))
    ).pipe(Effect.mapError(unreachable))
    if (response.status !== 200) return yield* new BadStatus({ status: response.status })
    if (response.headers["x-ibp-results-source"]?.toLowerCase() === "local") return yield* new NotOfficial()
    const text = yield* gather(response.stream, {
      limit: maxResultsBytes,
      tooLarge: (limit) => new TooLarge({ limit }),
      broken: unreachable
    })
    return yield* parse(host, text)
  },
  Effect.scoped,
  Effect.timeoutOrElse({
    duration: Duration.seconds(resultsTimeout),
    orElse: () => Effect.fail(new TimedOut({ seconds: resultsTimeout }))
  }),
  // The credentials are for this monitor only.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  // A URL can hold a token, which would stand in the trace.
  Effect.provideService(Tracer.DisablePropagation, true)
)

const unreachable = (error: HttpClientError.HttpClientError): Unreachable =>
  new Unreachable({ detail: whatHappened(error) || "no answer" })
