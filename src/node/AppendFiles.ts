import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { resolve } from "node:path"
import type { DurableFileError } from "./DurableFiles.ts"
import type { FileLockError } from "./FileLock.ts"
import { makeAppendFiles } from "./makeAppendFiles.ts"
import { MemoryDisk } from "./MemoryDisk.ts"

/** A file that is open for more records. */
export interface AppendFile {
  /**
   * Writes records behind the others, in order; none of them holds a line feed. kill -9 cannot take them any more, a power
   * cut can until `sync`. When it fails, none of them is in the file, and the next write goes where they would have gone.
   */
  readonly append: (records: ReadonlyArray<string>) => Effect.Effect<void, DurableFileError>
  /** Waits until all that was written is on the disk. After a failure nobody knows what is: write it all to a new file. */
  readonly sync: Effect.Effect<void, DurableFileError>
  /** Bytes. Synchronous. */
  readonly size: () => number
}

/**
 * Files that grow by records and survive kill -9 and power cuts: what is torn or damaged is found by checksums, left out,
 * logged and counted, and all other records are there. For what changes too often to be replaced as a whole, as
 * {@link DurableFiles} does. A name is a plain file name.
 */
export class AppendFiles extends Context.Service<AppendFiles, {
  /** The names of all files in the directory, of any kind, in order. None when there is no directory. */
  readonly list: Effect.Effect<ReadonlyArray<string>, DurableFileError>
  /**
   * Opens a file until the scope closes, after its last whole record; makes it, and the directory, when it is not there.
   * For one writer at a time: see `lock`.
   */
  readonly open: (name: string) => Effect.Effect<AppendFile, DurableFileError, Scope.Scope>
  /** The records from the first on, also while somebody writes. None when there is no such file. */
  readonly read: (name: string) => Stream.Stream<string, DurableFileError>
  /** Renames, also a file that is open, and over another: that one is gone then, or still there, never half. */
  readonly rename: (from: string, to: string) => Effect.Effect<void, DurableFileError>
  /** Removes a file, if it is there. */
  readonly remove: (name: string) => Effect.Effect<void, DurableFileError>
  /** As `FileLock.acquire`, of a file in the directory. */
  readonly lock: (name: string, purpose: string) => Effect.Effect<void, FileLockError, Scope.Scope>
}>()("effect-geodns/node/AppendFiles") {
  /** Files in a directory. */
  static readonly layer = (directory: string): Layer.Layer<AppendFiles> =>
    Layer.sync(AppendFiles, () => AppendFiles.of(makeAppendFiles(resolve(directory))))

  /** Files in memory, on a disk that a test can fill up, and whose power it can cut. */
  static readonly layerDisk: Layer.Layer<AppendFiles, never, MemoryDisk> = Layer.effect(
    AppendFiles,
    Effect.map(MemoryDisk, (disk) => AppendFiles.of(disk.files))
  )

  /** Files that live as long as the layer. */
  static readonly layerMemory: Layer.Layer<AppendFiles> = AppendFiles.layerDisk.pipe(Layer.provide(MemoryDisk.layer))
}
