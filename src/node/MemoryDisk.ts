import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { AppendFile, AppendFiles } from "./AppendFiles.ts"
import { DurableFileError } from "./DurableFiles.ts"
import { FileLockError, Held } from "./FileLock.ts"
import { fileProblem } from "./fileProblem.ts"
import { refuseName } from "./makeAppendFiles.ts"

interface MemoryFile {
  readonly records: Array<string>
  synced: number
}

/** The disk behind `AppendFiles.layerDisk`, for tests to break while everything runs. */
export class MemoryDisk extends Context.Service<MemoryDisk, {
  readonly files: AppendFiles["Service"]
  /** While it is full, nothing can be appended or made. */
  readonly setFull: (full: boolean) => Effect.Effect<void>
  /**
   * Every process on it dies: locks are free, and files that were open take nothing more. `power` is cut too: what was not
   * synced is gone.
   */
  readonly crash: (options: { readonly power: boolean }) => Effect.Effect<void>
}>()("effect-geodns/node/MemoryDisk") {
  static readonly layer: Layer.Layer<MemoryDisk> = Layer.sync(MemoryDisk, () => {
    const files = new Map<string, MemoryFile>()
    const locks = new Set<string>()
    let full = false
    let life = 0

    const failure = (name: string, code: string) => {
      const cause = Object.assign(new Error(code), { code })
      return Effect.fail(
        new DurableFileError({ operation: "write", file: name, message: fileProblem("write", name, cause), cause })
      )
    }
    const writing = (name: string, born: number, write: () => void): Effect.Effect<void, DurableFileError> =>
      Effect.suspend(() => {
        if (life !== born) return failure(name, "EBADF")
        if (full) return failure(name, "ENOSPC")
        write()
        return Effect.void
      })

    const openFile = Effect.fnUntraced(function*(name: string) {
      yield* refuseName("write", name)
      const born = life
      const known = files.get(name)
      const file = known ?? { records: [], synced: 0 }
      if (known === undefined) yield* writing(name, born, () => files.set(name, file))
      const opened: AppendFile = {
        append: (records) => writing(name, born, () => file.records.push(...records)),
        sync: Effect.suspend(() => {
          if (life !== born) return failure(name, "EBADF")
          file.synced = file.records.length
          return Effect.void
        }),
        size: () => file.records.reduce((size, record) => size + record.length + 10, 0)
      }
      return opened
    })

    const lock = (name: string) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          if (locks.has(name)) {
            return Effect.fail(new FileLockError({ file: name, reason: new Held({ holder: "another scope" }) }))
          }
          locks.add(name)
          return Effect.succeed(life)
        }),
        (born) => Effect.sync(() => life === born && locks.delete(name))
      ).pipe(Effect.asVoid)

    return MemoryDisk.of({
      files: {
        list: Effect.sync(() => [...files.keys()].sort()),
        open: openFile,
        read: (name) =>
          Stream.unwrap(Effect.map(
            refuseName("read", name),
            () => Stream.fromIterable(files.get(name)?.records.slice() ?? [])
          )),
        rename: (from, to) =>
          Effect.suspend(() => {
            const file = files.get(from)
            if (file === undefined) return failure(from, "ENOENT")
            files.delete(from)
            files.set(to, file)
            return Effect.void
          }),
        remove: (name) => Effect.sync(() => void files.delete(name)),
        lock
      },
      setFull: (value) =>
        Effect.sync(() => {
          full = value
        }),
      crash: ({ power }) =>
        Effect.sync(() => {
          life += 1
          locks.clear()
          if (power) { for (const file of files.values()) file.records.splice(file.synced) }
        })
    })
  })
}
