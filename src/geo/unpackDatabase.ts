import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { fileProblem } from "../node/fileProblem.ts"
import { TarReader } from "./TarReader.ts"
import { BadArchive, TooLarge, Unwritable, UpdateReason } from "./UpdateError.ts"

/** How much is taken. Bytes. */
export interface UnpackLimits {
  readonly packed: number
  readonly unpacked: number
}

/** What was unpacked. */
export interface Unpacked {
  /** Of the archive, in hexadecimal digits. */
  readonly sha256: string
  /** Bytes of the database. */
  readonly size: number
}

/** What stops a pipeline: a reason that goes through it as an error. */
class Stop extends Error {
  readonly reason: UpdateReason
  constructor(reason: UpdateReason) {
    super(reason._tag)
    this.reason = reason
  }
}

/** Rejects with a {@link Stop}, or with what the body failed with. */
const unpack = async (
  body: AsyncIterable<Uint8Array>,
  path: string,
  limits: UnpackLimits,
  progress: (packed: number) => void,
  signal: AbortSignal
): Promise<Unpacked> => {
  const hash = createHash("sha256")
  const tar = new TarReader()
  let packed = 0
  let unpacked = 0
  let size = 0
  const writing = <A>(promise: Promise<A>): Promise<A> =>
    promise.catch((cause: unknown) => {
      throw new Stop(new Unwritable({ detail: fileProblem("write", path, cause) }))
    })
  const check = <A>(result: Result.Result<A, string>): A => {
    if (Result.isFailure(result)) throw new Stop(new BadArchive({ detail: result.failure }))
    return result.success
  }
  const file = await writing(open(path, "wx", 0o644))
  try {
    await pipeline(
      body,
      async function*(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          packed += chunk.byteLength
          if (packed > limits.packed) throw new Stop(new TooLarge({ what: "the archive", limit: limits.packed }))
          hash.update(chunk)
          progress(packed)
          yield chunk
        }
      },
      createGunzip(),
      async (chunks: AsyncIterable<Uint8Array>) => {
        for await (const chunk of chunks) {
          unpacked += chunk.byteLength
          if (unpacked > limits.unpacked) {
            throw new Stop(new TooLarge({ what: "the unpacked archive", limit: limits.unpacked }))
          }
          for (const piece of check(tar.push(chunk))) {
            await writing(file.writeFile(piece))
            size += piece.byteLength
          }
        }
        check(tar.end())
      },
      { signal }
    )
    await writing(file.sync())
  } finally {
    await file.close()
  }
  return { sha256: hash.digest("hex"), size }
}

const isReason = Schema.is(UpdateReason)

/**
 * Writes the one database of a tar.gz archive to a new file at `path`, as the archive comes, and flushes it to the disk.
 * Nothing else of the archive is written anywhere. When it fails the file may be there, in part. `progress` is told how
 * many bytes of the archive have come.
 */
export const unpackDatabase = (
  body: Stream.Stream<Uint8Array, UpdateReason>,
  path: string,
  limits: UnpackLimits,
  progress: (packed: number) => void
): Effect.Effect<Unpacked, UpdateReason> =>
  Effect.flatMap(Stream.toAsyncIterableEffect(body), (chunks) =>
    Effect.tryPromise({
      try: (signal) => unpack(chunks, path, limits, progress, signal),
      catch: (cause): UpdateReason =>
        cause instanceof Stop
          ? cause.reason
          : isReason(cause)
          ? cause
          : new BadArchive({ detail: cause instanceof Error ? cause.message : String(cause) })
    }))
