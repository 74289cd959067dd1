import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { AppendFile, AppendFiles } from "./AppendFiles.ts"
import { DurableFileError } from "./DurableFiles.ts"
import * as FileLock from "./FileLock.ts"
import { fileProblem, nameProblem } from "./fileProblem.ts"
import { encodeRecords, RecordReader } from "./recordLines.ts"

type Operation = "read" | "write"

const damagedRecords = Metric.counter("geodns_files_damaged_total", {
  description: "Records of files that were damaged (their checksum is wrong) and left out",
  incremental: true
})

/** Bytes that are read at once: short enough that decoding them does not hold up the event loop. */
const pieceBytes = 64 * 1024

/** The error of a name that cannot be a file's; nothing when it can. */
export const refuseName = (operation: Operation, name: string): Effect.Effect<void, DurableFileError> => {
  const problem = nameProblem(name)
  return problem === undefined ? Effect.void : Effect.fail(
    new DurableFileError({
      operation,
      file: name,
      message: `cannot ${operation} ${JSON.stringify(name)}: ${problem}`,
      cause: undefined
    })
  )
}

const isMissing = ({ cause }: DurableFileError): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Where the last line ends: what is behind it was torn off. */
const endOfLines = async (handle: FileHandle, size: number): Promise<number> => {
  const piece = Buffer.alloc(64 * 1024)
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - piece.length)
    const { bytesRead } = await handle.read(piece, 0, end - start, start)
    const at = piece.subarray(0, bytesRead).lastIndexOf(0x0a)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}

/** Opens a file behind its last whole line, and makes its name last when it is new. */
const openAt = async (folder: string, name: string): Promise<{ handle: FileHandle; size: number; torn: number }> => {
  await mkdir(folder, { recursive: true })
  // Not "a": a torn write is overwritten.
  const handle = await open(join(folder, name), "r+").catch((cause) => {
    if (cause?.code !== "ENOENT") throw cause
    return open(join(folder, name), "wx+", 0o600)
  })
  try {
    const { size } = await handle.stat()
    if (size === 0) await syncFolder(folder)
    const end = await endOfLines(handle, size)
    if (end < size) await handle.truncate(end)
    return { handle, size: end, torn: size - end }
  } catch (cause) {
    await handle.close().catch(() => undefined)
    throw cause
  }
}

/** The files of a directory. */
export const makeAppendFiles = (folder: string): AppendFiles["Service"] => {
  const attempt = <A>(operation: Operation, name: string, run: () => Promise<A>): Effect.Effect<A, DurableFileError> =>
    // What was begun goes on in the thread pool: it must be over before anything else begins.
    Effect.uninterruptible(Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new DurableFileError({
          operation,
          file: name,
          message: fileProblem(operation, join(folder, name), cause),
          cause
        })
    }))
  const named = <A>(operation: Operation, name: string, run: () => Promise<A>) =>
    Effect.andThen(refuseName(operation, name), attempt(operation, name, run))

  const openFile = Effect.fn("AppendFiles.open")(function*(name: string) {
    const opened = yield* Effect.acquireRelease(
      named("write", name, () => openAt(folder, name)),
      ({ handle }) => Effect.promise(() => handle.close().catch(() => undefined))
    )
    const { handle, torn } = opened
    if (torn > 0) {
      yield* Effect.logWarning("the torn end of a file was cut off").pipe(
        Effect.annotateLogs({ file: join(folder, name), bytes: torn })
      )
    }
    const lock = yield* Semaphore.make(1)
    let size = opened.size
    const append = (records: ReadonlyArray<string>) =>
      lock.withPermit(attempt("write", name, async () => {
        const bytes = encodeRecords(records)
        try {
          let written = 0
          while (written < bytes.length) {
            const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, size + written)
            written += bytesWritten
          }
          size += bytes.length
        } catch (cause) {
          // Part of it may be there. If that cannot be taken back, the next write goes over it, or checksums find it.
          await handle.truncate(size).catch(() => undefined)
          throw cause
        }
      }))
    const file: AppendFile = { append, sync: attempt("write", name, () => handle.datasync()), size: () => size }
    return file
  })

  const read = (name: string): Stream.Stream<string, DurableFileError> =>
    Stream.unwrap(Effect.gen(function*() {
      const handle = yield* Effect.acquireRelease(
        named("read", name, () => open(join(folder, name), "r")).pipe(
          Effect.catchIf(isMissing, () => Effect.succeed(undefined))
        ),
        (handle) => Effect.promise(async () => handle?.close().catch(() => undefined))
      )
      if (handle === undefined) return Stream.empty
      const reader = new RecordReader()
      const piece = Buffer.allocUnsafe(pieceBytes)
      const report = Effect.suspend(() =>
        reader.damaged === 0 ? Effect.void : Effect.andThen(
          Metric.update(damagedRecords, reader.damaged),
          Effect.logError("records of a file are damaged and were left out: check the disk").pipe(
            Effect.annotateLogs({ file: join(folder, name), records: reader.damaged })
          )
        )
      )
      return Stream.paginate(0, (offset) =>
        Effect.gen(function*() {
          const { bytesRead } = yield* attempt("read", name, () => handle.read(piece, 0, pieceBytes, offset))
          if (bytesRead === 0) yield* report
          return [
            reader.push(piece.subarray(0, bytesRead)),
            bytesRead === 0 ? Option.none() : Option.some(offset + bytesRead)
          ] as const
        }))
    }))

  return {
    list: attempt("read", ".", () =>
      readdir(folder).catch((cause) => {
        if (cause?.code === "ENOENT") return []
        throw cause
      })).pipe(Effect.map((names) => names.filter((name) => nameProblem(name) === undefined).sort())),
    open: openFile,
    read,
    rename: (from, to) =>
      Effect.andThen(
        refuseName("write", from),
        named("write", to, async () => {
          await rename(join(folder, from), join(folder, to))
          await syncFolder(folder)
        })
      ),
    remove: (name) =>
      named("write", name, () => unlink(join(folder, name))).pipe(Effect.catchIf(isMissing, () => Effect.void)),
    lock: (name, purpose) => {
      const problem = nameProblem(name)
      return problem === undefined
        ? FileLock.acquire(join(folder, name), purpose)
        : Effect.fail(
          new FileLock.FileLockError({
            file: name,
            reason: new FileLock.Unlockable({ problem: `cannot lock ${JSON.stringify(name)}: ${problem}` })
          })
        )
    }
  }
}
