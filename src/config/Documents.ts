import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import {
  BadStatus,
  DocumentError,
  type DocumentErrorReason,
  NotFound,
  TimedOut,
  TooLarge,
  Unreadable
} from "./DocumentError.ts"
import { isHttp, publicLocation } from "./location.ts"
import { MemoryDocuments } from "./MemoryDocuments.ts"

/** Seconds that the reading of one document may take. */
export const readTimeout = 15

/** The longest document, in bytes after decompression. */
export const maxDocumentBytes = 16 * 1024 * 1024

const maxRedirects = 5

/** Reads documents as text, from a path or an `http` or `https` URL. */
export class Documents extends Context.Service<Documents, {
  /** The text of one document, bounded in size and time. */
  readonly read: (location: string) => Effect.Effect<string, DocumentError>
}>()("effect-geodns/config/Documents") {
  /** The file system and the network. */
  static readonly layer: Layer.Layer<Documents> = Layer.effect(
    Documents,
    Effect.gen(function*() {
      const client = (yield* HttpClient.HttpClient).pipe(HttpClient.withScope, HttpClient.followRedirects(maxRedirects))
      const read = Effect.fn("Documents.read")((location: string) =>
        (isHttp(location) ? readUrl(client, location) : readFile(location)).pipe(
          Effect.timeoutOrElse({
            duration: Duration.seconds(readTimeout),
            orElse: () => Effect.fail(new TimedOut({ seconds: readTimeout }))
          }),
          Effect.mapError((reason) => new DocumentError({ location: publicLocation(location), reason }))
        )
      )
      return Documents.of({ read })
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

  /** Documents in memory: location → text. `MemoryDocuments` changes them while everything runs. */
  static readonly layerMemory = (
    documents: Readonly<Record<string, string>> = {}
  ): Layer.Layer<Documents | MemoryDocuments> =>
    Layer.effect(
      Documents,
      Effect.map(MemoryDocuments, (memory) =>
        Documents.of({
          read: (location) =>
            Effect.mapError(
              memory.read(location),
              (reason) => new DocumentError({ location: publicLocation(location), reason })
            )
        }))
    ).pipe(Layer.provideMerge(MemoryDocuments.layer(documents)))
}

/** Gathers a body as text, up to the bound. */
const gather = <E>(
  body: Stream.Stream<Uint8Array, E>,
  toReason: (error: E) => DocumentErrorReason
): Effect.Effect<string, DocumentErrorReason> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let bytes = 0
    return body.pipe(
      Stream.mapError(toReason),
      Stream.runForEach((chunk) => {
        bytes += chunk.byteLength
        if (bytes > maxDocumentBytes) return Effect.fail(new TooLarge({ limit: maxDocumentBytes }))
        chunks.push(chunk)
        return Effect.void
      }),
      Effect.map(() => new TextDecoder().decode(Buffer.concat(chunks)))
    )
  })

const readUrl = Effect.fnUntraced(
  function*(
    client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, Scope.Scope>,
    location: string
  ): Effect.fn.Return<string, DocumentErrorReason, Scope.Scope> {
    if (!URL.canParse(location)) return yield* new Unreadable({ detail: "a URL that cannot be read" })
    // The Fetch standard refuses URLs with credentials: they go into a header, as in other clients.
    const url = new URL(location)
    const { password, username } = url
    url.username = ""
    url.password = ""
    const request = HttpClientRequest.acceptJson(HttpClientRequest.get(url.href))
    const response = yield* client.execute(
      username === "" && password === ""
        ? request
        : HttpClientRequest.basicAuth(request, unescape(username), unescape(password))
    ).pipe(Effect.mapError(unreachable))
    if (response.status === 404 || response.status === 410) return yield* new NotFound()
    if (response.status !== 200) return yield* new BadStatus({ status: response.status })
    return yield* gather(response.stream, unreachable)
  },
  Effect.scoped,
  // Left to itself, fetch follows 20 redirects.
  Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
  // A URL can hold a token, which would stand in the trace.
  Effect.provideService(Tracer.DisablePropagation, true)
)

const unescape = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The innermost message says what happened (`connect ECONNREFUSED …`); the outer ones name the URL. */
const unreachable = (error: HttpClientError.HttpClientError): Unreadable => {
  let cause: unknown = error.reason.cause
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  const detail = cause instanceof Error ? ("code" in cause ? cause.message || String(cause.code) : cause.message) : ""
  return new Unreadable({ detail: detail === "" ? "no answer" : `no answer: ${detail}` })
}

const readFile = Effect.fnUntraced(function*(path: string): Effect.fn.Return<string, DocumentErrorReason> {
  const found = yield* Effect.tryPromise({ try: () => stat(path), catch: fileReason })
  // A pipe or a device would block, or never end.
  if (!found.isFile()) return yield* new Unreadable({ detail: "something that is no file" })
  const body = Stream.unwrap(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => createReadStream(path, { end: maxDocumentBytes })),
      (file) => Effect.sync(() => file.destroy())
    ),
    (file) => Stream.fromAsyncIterable(file as AsyncIterable<Uint8Array>, fileReason)
  ))
  return yield* gather(body, (reason) => reason)
})

const fileReason = (cause: unknown): DocumentErrorReason => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "ENOENT" || code === "ENOTDIR") return new NotFound()
  if (code === "EACCES" || code === "EPERM") return new Unreadable({ detail: "a file that this process may not read" })
  return new Unreadable({ detail: cause instanceof Error ? cause.message : String(cause) })
}
