import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as IpNetwork from "effect/net/IpNetwork"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { BadStatus, type DocumentErrorReason, Forbidden, NotFound, tooLarge, Unreadable } from "./DocumentError.ts"
import { exchange, type NoAnswer } from "./exchange.ts"
import { authorize, whatHappened, withoutCredentials } from "./fetching.ts"
import { gather } from "./gather.ts"
import { followRedirects, type Redirectable } from "./redirects.ts"
import { conditional, type Validators, validatorsOf } from "./Validators.ts"

/** How many documents are kept to compare: more than a configuration has. */
const maxKept = 16

interface Kept {
  readonly text: string
  readonly validators: Validators
}

/** How a URL is read: as `Documents.read` has it. */
export interface UrlOptions {
  readonly limit: number
  readonly sameHost: boolean
  readonly reach: ReadonlyArray<IpNetwork.IpNetwork> | undefined
}

/** Somebody answered. */
interface Arrived extends Redirectable {
  /** The body, which is not read unless it is wanted. */
  readonly text: Effect.Effect<string, DocumentErrorReason>
}

/** Who asks: a connection lives as long as the scope. */
type Ask = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<Arrived, DocumentErrorReason, Scope.Scope>

/** Reads documents by URL, and remembers each with its validators: one that has not changed is not sent again. */
export const makeReadUrl = (
  client: HttpClient.HttpClient
): (location: string, options: UrlOptions) => Effect.Effect<string, DocumentErrorReason> => {
  const scoped = HttpClient.withScope(client)
  const kept = new Map<string, Kept>()
  return (location, options) => {
    const { limit, reach } = options
    const ask = reach === undefined ? askingAnybody(scoped, limit) : askingWithin(reach, limit)
    return read(ask, location, options, kept.get(location)).pipe(
      Effect.map(({ text, validators }) => {
        kept.delete(location)
        if (validators !== undefined) kept.set(location, { text, validators })
        if (kept.size > maxKept) kept.delete(kept.keys().next().value!)
        return text
      })
    )
  }
}

const askingAnybody =
  (client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>, limit: number): Ask => (request) =>
    client.execute(request).pipe(
      Effect.mapError(unreachable),
      Effect.map((response) => ({
        status: response.status,
        headers: response.headers,
        text: Effect.suspend(() => gather(response.stream, { limit, tooLarge, broken: unreachable }))
      }))
    )

/** Looks at each address, also those that redirects lead to, when it connects. */
const askingWithin = (allowed: ReadonlyArray<IpNetwork.IpNetwork>, limit: number): Ask => ({ headers, url }) =>
  exchange({ url: new URL(url), method: "GET", headers, allowed, limit }).pipe(
    Effect.mapError(unanswered),
    Effect.map(({ headers, isCut, status, text }) => ({
      status,
      headers,
      text: isCut ? Effect.fail(tooLarge(limit)) : Effect.succeed(text)
    }))
  )

const read = Effect.fnUntraced(
  function*(
    ask: Ask,
    location: string,
    { sameHost }: UrlOptions,
    known: Kept | undefined
  ): Effect.fn.Return<
    { readonly text: string; readonly validators: Validators | undefined },
    DocumentErrorReason,
    Scope.Scope
  > {
    if (!URL.canParse(location)) return yield* new Unreadable({ detail: "a URL that cannot be read" })
    const first = new URL(location)
    const { response, url } = yield* followRedirects(
      first,
      { sameHost },
      (url, isSameOrigin) => {
        const at = withoutCredentials(url)
        return ask(
          HttpClientRequest.get(at).pipe(
            HttpClientRequest.acceptJson,
            HttpClientRequest.setHeaders(conditional(at, known?.validators)),
            isSameOrigin ? authorize(first) : (request) => request
          )
        )
      }
    )
    const at = withoutCredentials(url)
    const { status } = response
    if (status === 304 && known !== undefined && Object.keys(conditional(at, known.validators)).length > 0) {
      // A server may name new validators with it.
      return { text: known.text, validators: validatorsOf(at, response.headers) ?? known.validators }
    }
    if (status === 404 || status === 410) return yield* new NotFound()
    if (status !== 200) return yield* new BadStatus({ status })
    return { text: yield* response.text, validators: validatorsOf(at, response.headers) }
  },
  Effect.scoped,
  // Left to itself, fetch follows 20 redirects, and sends what is for one URL to another.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  // A URL can hold a token, which would stand in the trace.
  Effect.provideService(Tracer.DisablePropagation, true)
)

const noAnswer = (detail: string) => new Unreadable({ detail: detail === "" ? "no answer" : `no answer: ${detail}` })

const unreachable = (error: HttpClientError.HttpClientError): Unreadable => noAnswer(whatHappened(error))

const unanswered = ({ isForbidden, problem }: NoAnswer): Forbidden | Unreadable =>
  isForbidden ? new Forbidden({ detail: problem }) : noAnswer(problem)
