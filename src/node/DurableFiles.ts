import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RcMap from "effect/RcMap"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { randomBytes } from "node:crypto"
import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { fileProblem, nameProblem } from "./fileProblem.ts"

/** A durable file could not be read or written. */
export class DurableFileError extends Schema.TaggedError<DurableFileError>()("DurableFileError", {
  operation: Schema.Literals(["read", "write"]),
  file: Schema.String,
  message: Schema.String,
  cause: Schema.Defect()
}) {}

/**
 * The files of a node that must survive kill -9. A write that succeeded is on the disk, and a reader sees the old
 * content or the new, never a part.
 */
export class DurableFiles extends Context.Service<DurableFiles, {
  /** The content, or none when the file was never written. `name` is a plain file name. */
  readonly read: (name: string) => Effect.Effect<Option.Option<string>, DurableFileError>
  readonly write: (name: string, content: string) => Effect.Effect<void, DurableFileError>
}>()("effect-geodns/node/DurableFiles") {
  /**
   * Files in a directory, which the first write creates. A write goes to a temporary file beside the real one, which is
   * flushed and then renamed over it; the directory is flushed last. Writes of one name happen in the order they came.
   */
  static readonly layer = (directory: string): Layer.Layer<DurableFiles> =>
    Layer.effect(
      DurableFiles,
      Effect.gen(function*() {
        const folder = resolve(directory)
        // Two layers on one directory must not write to the same temporary file.
        const mark = randomBytes(6).toString("hex")
        const locks = yield* RcMap.make({ lookup: (_name: string) => Semaphore.make(1) })
        yield* removeLeftovers(folder)

        const read = Effect.fn("DurableFiles.read")(function*(name: string) {
          yield* checkName("read", name)
          return yield* Effect.tryPromise({
            try: (signal) => readFile(join(folder, name), { encoding: "utf8", signal }),
            catch: (cause) => failure("read", name, join(folder, name), cause)
          }).pipe(
            Effect.asSome,
            Effect.catchIf(
              (error) => error.cause instanceof Error && "code" in error.cause && error.cause.code === "ENOENT",
              () => Effect.succeedNone
            )
          )
        })

        const write = Effect.fn("DurableFiles.write")(function*(name: string, content: string) {
          yield* checkName("write", name)
          const lock = yield* RcMap.get(locks, name)
          // Not interruptible once begun: an abandoned write could land after a later one.
          yield* lock.withPermit(Effect.uninterruptible(Effect.tryPromise({
            try: () => replace(folder, name, `.${name}.${mark}.tmp`, content),
            catch: (cause) => failure("write", name, join(folder, name), cause)
          })))
        }, Effect.scoped)

        return DurableFiles.of({ read, write })
      })
    )

  /** Files that live as long as the layer. */
  static readonly layerMemory: Layer.Layer<DurableFiles> = Layer.sync(DurableFiles, () => {
    const files = new Map<string, string>()
    return DurableFiles.of({
      read: (name) => Effect.map(checkName("read", name), () => Option.fromUndefinedOr(files.get(name))),
      write: (name, content) =>
        Effect.map(checkName("write", name), () => {
          files.set(name, content)
        })
    })
  })
}

const failure = (operation: "read" | "write", file: string, path: string, cause: unknown) =>
  new DurableFileError({ operation, file, message: fileProblem(operation, path, cause), cause })

const checkName = (operation: "read" | "write", name: string): Effect.Effect<void, DurableFileError> => {
  const problem = nameProblem(name)
  return problem === undefined
    ? Effect.void
    : Effect.fail(
      new DurableFileError({
        operation,
        file: name,
        message: `cannot ${operation} ${JSON.stringify(name)}: ${problem}`,
        cause: undefined
      })
    )
}

const flush = async (path: string): Promise<void> => {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes new directories last: their names are in their parents. A parent that we may not open cannot be flushed. */
const flushParents = async (folder: string, highest: string): Promise<void> => {
  for (let parent = folder; parent !== highest;) {
    parent = dirname(parent)
    await flush(parent).catch(() => undefined)
  }
}

const replace = async (folder: string, name: string, temporary: string, content: string): Promise<void> => {
  const created = await mkdir(folder, { recursive: true })
  if (created !== undefined) await flushParents(folder, dirname(created))
  const path = join(folder, temporary)
  try {
    const handle = await open(path, "w", 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(path, join(folder, name))
  } catch (cause) {
    await unlink(path).catch(() => undefined)
    throw cause
  }
  await flush(folder)
}

/** Old enough that no process can still be writing to it. Milliseconds. */
const leftoverAge = 10 * 60_000

/** Removes the temporary files of processes that were killed. What cannot be removed does no harm. */
const removeLeftovers = Effect.fnUntraced(function*(folder: string) {
  const now = yield* Clock.currentTimeMillis
  yield* Effect.promise(async () => {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((name) => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name))) {
      const path = join(folder, name)
      await stat(path)
        .then((found) => now - found.mtimeMs > leftoverAge ? unlink(path) : undefined)
        .catch(() => undefined)
    }
  })
})
