import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { whatHappened } from "../config/fetching.ts"
import { gather } from "../config/gather.ts"
import { followRedirects } from "../config/redirects.ts"
import {
  BadAnswer,
  Refused,
  TimedOut,
  TooLarge,
  TooMany,
  UnknownEdition,
  Unreachable,
  type UpdateReason
} from "./UpdateError.ts"

/** One database of a provider, and who asks for it. */
export interface Download {
  readonly edition: string
  /** With `{edition}` in it. */
  readonly url: string
  readonly account: string
  readonly key: Redacted.Redacted
}

/** An archive that comes. */
export interface Archive {
  /** Bytes; undefined when the provider does not say. */
  readonly size: number | undefined
  readonly body: Stream.Stream<Uint8Array, UpdateReason>
}

/** How long the provider may take. */
export interface SourceOptions {
  /** Until an answer begins, and until a short one is here: 30 seconds when missing. */
  readonly answer?: Duration.Input
  /** Between two pieces of an archive: 30 seconds when missing. */
  readonly piece?: Duration.Input
}

/** A provider of GeoIP databases that speaks MaxMind's protocol. */
export class GeoIpSource extends Context.Service<GeoIpSource, {
  /** When the archive of an edition changed last, in milliseconds since the epoch. Asking is no download. */
  readonly lastModified: (download: Download) => Effect.Effect<number, UpdateReason>
  /** The SHA-256 of the archive, in hexadecimal digits. */
  readonly checksum: (download: Download) => Effect.Effect<string, UpdateReason>
  /** Begins to download the archive. */
  readonly archive: (download: Download) => Effect.Effect<Archive, UpdateReason, Scope.Scope>
}>()("effect-geodns/geo/GeoIpSource") {
  /**
   * Over HTTP, with Basic authentication. Redirects are followed, the credentials are for the scheme, host and port of
   * the URL alone. A redirect never leaves https.
   */
  static readonly layer: Layer.Layer<GeoIpSource> = Layer.suspend(() => GeoIpSource.layerWith({}))

  /** The same, with other times than usual. */
  static readonly layerWith = (options: SourceOptions): Layer.Layer<GeoIpSource> =>
    Layer.effect(GeoIpSource, Effect.map(HttpClient.HttpClient, (client) => make(client, options))).pipe(
      Layer.provide(FetchHttpClient.layer)
    )

  /** A provider in memory. */
  static readonly layerMemory = (source: GeoIpSource["Service"]): Layer.Layer<GeoIpSource> =>
    Layer.succeed(GeoIpSource, GeoIpSource.of(source))
}

/** Bytes of a checksum and the name of its file. */
const maxChecksum = 1024

type Client = HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>
type Response = HttpClientResponse.HttpClientResponse

const make = (
  httpClient: HttpClient.HttpClient,
  { answer = "30 seconds", piece = "30 seconds" }: SourceOptions
): GeoIpSource["Service"] => {
  const client = HttpClient.withScope(httpClient)
  const within = Effect.timeoutOrElse({
    duration: answer,
    orElse: () => Effect.fail<UpdateReason>(new TimedOut({ what: "the answer of the provider" }))
  })
  return GeoIpSource.of({
    lastModified: (download) =>
      ask(client, "HEAD", download, "tar.gz").pipe(
        Effect.flatMap(({ headers }) => {
          const time = Date.parse(headers["last-modified"] ?? "")
          return Number.isNaN(time)
            ? Effect.fail(new BadAnswer({ detail: "it does not say when the archive was changed (Last-Modified)" }))
            : Effect.succeed(time)
        }),
        Effect.scoped,
        within,
        Effect.withSpan("GeoIpSource.lastModified")
      ),
    checksum: (download) =>
      ask(client, "GET", download, "tar.gz.sha256").pipe(
        Effect.flatMap((response) =>
          gather(response.stream, {
            limit: maxChecksum,
            tooLarge: (limit): UpdateReason => new TooLarge({ what: "the checksum", limit }),
            broken: unreachable
          })
        ),
        Effect.flatMap((text) => {
          const checksum = /^([0-9a-f]{64})(\s|$)/i.exec(text)?.[1]
          return checksum === undefined
            ? Effect.fail(new BadAnswer({ detail: "what should be a checksum is none" }))
            : Effect.succeed(checksum.toLowerCase())
        }),
        Effect.scoped,
        within,
        Effect.withSpan("GeoIpSource.checksum")
      ),
    archive: (download) =>
      ask(client, "GET", download, "tar.gz").pipe(
        within,
        Effect.map((response) => ({
          size: sizeOf(response),
          body: response.stream.pipe(
            Stream.mapError(unreachable),
            Stream.timeoutOrElse({
              duration: piece,
              orElse: () => Stream.fail<UpdateReason>(new TimedOut({ what: "the next piece of the archive" }))
            })
          )
        }))
      )
  })
}

const sizeOf = ({ headers }: Response): number | undefined => {
  const length = headers["content-length"]
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

const ask = Effect.fnUntraced(
  function*(
    client: Client,
    method: "GET" | "HEAD",
    { account, edition, key, url: template }: Download,
    suffix: string
  ): Effect.fn.Return<Response, UpdateReason, Scope.Scope> {
    const text = template.replaceAll("{edition}", encodeURIComponent(edition))
    if (!URL.canParse(text)) return yield* new BadAnswer({ detail: "GeoDNS.GeoIp.Url is no URL" })
    const first = new URL(text)
    first.searchParams.set("suffix", suffix)
    const { response, stopped, url } = yield* followRedirects(
      first,
      { httpsStays: true },
      (url, isSameOrigin) =>
        client.execute(
          HttpClientRequest.make(method)(url.href).pipe(
            // Packed is what the checksum is of.
            HttpClientRequest.setHeader("accept-encoding", "identity"),
            isSameOrigin ? HttpClientRequest.basicAuth(account, Redacted.value(key)) : (request) => request
          )
        ).pipe(Effect.mapError(unreachable))
    )
    if (stopped === "too many") return yield* new BadAnswer({ detail: "it redirects without end" })
    if (stopped === "forbidden") {
      return yield* new BadAnswer({ detail: `it redirects to where we do not follow, from ${url.host}` })
    }
    if (response.status === 200) return response
    return yield* yield* refusal(response)
  },
  // Left to itself, fetch follows redirects, and sends what is for one server to another.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  // A URL can hold a token, which would stand in the trace.
  Effect.provideService(Tracer.DisablePropagation, true)
)

const refusal = Effect.fnUntraced(function*({ headers, status }: Response): Effect.fn.Return<UpdateReason> {
  if (status === 401 || status === 403) return new Refused({ status })
  if (status === 404 || status === 410) return new UnknownEdition()
  if (status === 429) {
    const now = yield* Clock.currentTimeMillis
    return new TooMany({ retryAfter: retryAfter(headers["retry-after"], now) })
  }
  return new BadAnswer({ detail: `status ${status}` })
})

/** `Retry-After` has seconds or a date. */
const retryAfter = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  const millis = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now
  return Number.isFinite(millis) && millis >= 0 ? millis : undefined
}

const unreachable = (error: HttpClientError.HttpClientError): UpdateReason =>
  new Unreachable({ detail: whatHappened(error) || "the connection failed" })
