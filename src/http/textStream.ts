import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"

/** An answer written piece by piece. Everything else gets its turn between two pieces, however long the whole is. */
export const textStream = (
  pieces: Iterable<string>,
  options: { readonly contentType: string; readonly headers?: Readonly<Record<string, string>> }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(
    Stream.fromIterable(pieces, { chunkSize: 1 }).pipe(
      Stream.tap(() => Effect.yieldNow),
      Stream.encodeText
    ),
    options
  )
