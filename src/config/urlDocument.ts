import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { BadStatus, type DocumentErrorReason, NotFound, tooLarge, Unreadable } from "./DocumentError.ts"
import { authorize, whatHappened, withoutCredentials } from "./fetching.ts"
import { gather } from "./gather.ts"
import { followRedirects } from "./redirects.ts"
import { conditional, type Validators, validatorsOf } from "./Validators.ts"

/** How many documents are kept to compare: more than a configuration has. */
const maxKept = 16

interface Kept {
  readonly text: string
  readonly validators: Validators
}

/** Reads documents by URL, and remembers each with its validators: one that has not changed is not sent again. */
export const makeReadUrl = (
  client: HttpClient.HttpClient
): (location: string, limit: number, sameHost: boolean) => Effect.Effect<string, DocumentErrorReason> => {
  const scoped = HttpClient.withScope(client)
  const kept = new Map<string, Kept>()
  return (location, limit, sameHost) =>
    read(scoped, location, { limit, sameHost }, kept.get(location)).pipe(
      Effect.map(({ text, validators }) => {
        kept.delete(location)
        if (validators !== undefined) kept.set(location, { text, validators })
        if (kept.size > maxKept) kept.delete(kept.keys().next().value!)
        return text
      })
    )
}

const read = Effect.fnUntraced(
  function*(
    client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>,
    location: string,
    { limit, sameHost }: { readonly limit: number; readonly sameHost: boolean },
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
        return client.execute(
          HttpClientRequest.get(at).pipe(
            HttpClientRequest.acceptJson,
            HttpClientRequest.setHeaders(conditional(at, known?.validators)),
            isSameOrigin ? authorize(first) : (request) => request
          )
        ).pipe(Effect.mapError(unreachable))
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
    const text = yield* gather(response.stream, { limit, tooLarge, broken: unreachable })
    return { text, validators: validatorsOf(at, response.headers) }
  },
  Effect.scoped,
  // Left to itself, fetch follows 20 redirects, and sends what is for one URL to another.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  // A URL can hold a token, which would stand in the trace.
  Effect.provideService(Tracer.DisablePropagation, true)
)

const unreachable = (error: HttpClientError.HttpClientError): Unreadable => {
  const detail = whatHappened(error)
  return new Unreadable({ detail: detail === "" ? "no answer" : `no answer: ${detail}` })
}
