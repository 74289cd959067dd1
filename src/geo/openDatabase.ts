import * as Effect from "effect/Effect"
import { stat } from "node:fs/promises"
import { Worker } from "node:worker_threads"
import { MmdbFile } from "./MmdbFile.ts"
import type { MmdbTables } from "./MmdbTables.ts"
import type { MmdbReply } from "./mmdbWorker.ts"
import { readDatabase } from "./readDatabase.ts"

/** The program of the thread, beside this one: TypeScript when this runs from its sources. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "./mmdbWorker.ts" : "./mmdbWorker.js",
  import.meta.url
)

/** Milliseconds that reading a file may take: a disk can hang. */
const readTimeout = 120_000

/** Megabytes of the heap of the thread: a file that wants more ends the thread, and not the process. */
const maxHeap = 2_048

/** A smaller file, in bytes, is read sooner than a thread starts, within a few milliseconds. */
const smallFile = 64 * 1024

const inThread = (path: string): Effect.Effect<MmdbTables | undefined, string> =>
  Effect.callback<MmdbTables | undefined, string>((resume) => {
    const worker = new Worker(program, {
      workerData: path,
      execArgv: [],
      name: "geoip",
      resourceLimits: { maxOldGenerationSizeMb: maxHeap }
    })
    worker.once(
      "message",
      (reply: MmdbReply) => resume("problem" in reply ? Effect.fail(reply.problem) : Effect.succeed(reply.tables))
    )
    worker.once(
      "error",
      (error) => resume(Effect.fail(`reading it failed: ${error instanceof Error ? error.message : String(error)}`))
    )
    worker.once("exit", (code) => resume(Effect.fail(`reading it ended with exit code ${code}`)))
    return Effect.promise(() => worker.terminate())
  })

const here = (path: string): Effect.Effect<MmdbTables | undefined, string> =>
  Effect.flatMap(Effect.promise(() => readDatabase(path)), Effect.fromResult)

/**
 * Opens a database, a large one in a thread of its own, so that nothing waits meanwhile. None when it is a good one of a
 * kind that we have no use for; fails with what is wrong with it.
 */
export const openDatabase = (path: string): Effect.Effect<MmdbFile | undefined, string> =>
  Effect.promise(() => stat(path).then(({ size }) => size <= smallFile, () => true)).pipe(
    Effect.flatMap((isSmall) => isSmall ? here(path) : inThread(path)),
    Effect.timeoutOrElse({
      duration: readTimeout,
      orElse: () => Effect.fail(`reading it took more than ${readTimeout / 1000} s`)
    }),
    Effect.map((tables) => tables === undefined ? undefined : new MmdbFile(tables))
  )
