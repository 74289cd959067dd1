import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Gathers a body as text, up to `limit` bytes. */
export const gather = <E, E2, E3>(
  body: Stream.Stream<Uint8Array, E>,
  options: {
    readonly limit: number
    readonly tooLarge: (limit: number) => E2
    readonly broken: (error: E) => E3
  }
): Effect.Effect<string, E2 | E3> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let bytes = 0
    return body.pipe(
      Stream.mapError(options.broken),
      Stream.runForEach((chunk): Effect.Effect<void, E2> => {
        bytes += chunk.byteLength
        if (bytes > options.limit) return Effect.fail(options.tooLarge(options.limit))
        chunks.push(chunk)
        return Effect.void
      }),
      Effect.map(() => new TextDecoder().decode(Buffer.concat(chunks)))
    )
  })
