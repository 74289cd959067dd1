import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type DocumentErrorReason, TooLarge } from "./DocumentError.ts"

/** Gathers a body as text, up to `limit` bytes. */
export const gather = <E>(
  body: Stream.Stream<Uint8Array, E>,
  toReason: (error: E) => DocumentErrorReason,
  limit: number
): Effect.Effect<string, DocumentErrorReason> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let bytes = 0
    return body.pipe(
      Stream.mapError(toReason),
      Stream.runForEach((chunk) => {
        bytes += chunk.byteLength
        if (bytes > limit) return Effect.fail(new TooLarge({ limit }))
        chunks.push(chunk)
        return Effect.void
      }),
      Effect.map(() => new TextDecoder().decode(Buffer.concat(chunks)))
    )
  })
