/** A thread that reads one database and hands it over: large ones take seconds. It imports as little as it can. */
import * as Result from "effect/Result"
import { parentPort, workerData } from "node:worker_threads"
import { buffersOf, type MmdbTables } from "./MmdbTables.ts"
import { readDatabase } from "./readDatabase.ts"

/** What the thread says: a plain object, since a class does not survive the way. */
export type MmdbReply = { readonly tables: MmdbTables | undefined } | { readonly problem: string }

const reply = await readDatabase(workerData as string)
if (Result.isFailure(reply)) parentPort?.postMessage({ problem: reply.failure } satisfies MmdbReply)
else {
  const tables = reply.success
  parentPort?.postMessage({ tables } satisfies MmdbReply, tables === undefined ? [] : [...buffersOf(tables)])
}
