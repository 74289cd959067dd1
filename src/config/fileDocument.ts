import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { type DocumentErrorReason, NotFound, tooLarge, Unreadable } from "./DocumentError.ts"
import { gather } from "./gather.ts"

/** Reads a regular file, at most `limit` bytes. */
export const readFile = Effect.fnUntraced(
  function*(path: string, limit: number): Effect.fn.Return<string, DocumentErrorReason> {
    const found = yield* Effect.tryPromise({ try: () => stat(path), catch: fileReason })
    // A pipe or a device would block, or never end.
    if (!found.isFile()) return yield* new Unreadable({ detail: "something that is no file" })
    const body = Stream.unwrap(Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => createReadStream(path, { end: limit })),
        (file) => Effect.sync(() => file.destroy())
      ),
      (file) => Stream.fromAsyncIterable(file as AsyncIterable<Uint8Array>, fileReason)
    ))
    return yield* gather(body, { limit, tooLarge, broken: (reason) => reason })
  }
)

/** What tells a file from what was there before: `"none"` when there is none, undefined when that cannot be said. */
export const fingerprintOf = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(() =>
    stat(path, { bigint: true }).then(
      ({ ctimeNs, dev, ino, mtimeNs, size }) => [dev, ino, size, mtimeNs, ctimeNs].join(":"),
      (cause: unknown) => fileReason(cause)._tag === "NotFound" ? "none" : undefined
    )
  )

const fileReason = (cause: unknown): DocumentErrorReason => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "ENOENT" || code === "ENOTDIR") return new NotFound()
  if (code === "EACCES" || code === "EPERM") return new Unreadable({ detail: "a file that this process may not read" })
  // Not the message of the system, which repeats the path: a path can hold what must not be shown.
  return new Unreadable({ detail: `a file that cannot be read (${String(code ?? "unknown error")})` })
}
