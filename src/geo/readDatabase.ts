import * as Result from "effect/Result"
import { open } from "node:fs/promises"
import { type MmdbTables, readMmdb } from "./MmdbTables.ts"

/** The largest file that is read, in bytes: MaxMind's largest has half of it. */
export const maxDatabaseBytes = 1024 * 1024 * 1024

/** Reads a database on this thread, as {@link readMmdb}. Never rejects. */
export const readDatabase = async (path: string): Promise<Result.Result<MmdbTables | undefined, string>> => {
  try {
    const file = await open(path)
    try {
      const found = await file.stat()
      // A pipe or a device would block, or never end.
      if (!found.isFile()) return Result.fail("it is not a file")
      if (found.size > maxDatabaseBytes) return Result.fail(`it is larger than ${maxDatabaseBytes / 1024 / 1024} MiB`)
      return readMmdb(await file.readFile())
    } finally {
      await file.close()
    }
  } catch (cause) {
    return Result.fail(cause instanceof Error ? cause.message : String(cause))
  }
}
