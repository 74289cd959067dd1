import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { atMost, type Benchmark } from "./measure.ts"

/** What a million distinct keys cost a process that counts: its memory, and how long it was held up. */
export const run: Benchmark = async ({ smoke }) => {
  const folder = await mkdtemp(join(tmpdir(), "geodns-usage-memory-"))
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      fileURLToPath(new URL("./usage-memory-process.ts", import.meta.url)),
      folder,
      smoke ? "20000" : "1000000",
      smoke ? "1" : "10"
    ])
    const found = JSON.parse(stdout.trim().split("\n").at(-1)!)
    return [
      atMost(`memory, ${found.keys} usage keys`, found.heldMb, "MB", 400),
      atMost("peak memory, reading as many", found.peakMb, "MB", 600),
      // A flood: most of it is garbage collection.
      atMost("held up, 50,000 new keys/s", found.fillingMillis, "ms", 50),
      atMost("held up, 10,000 answers/s", found.steadyMillis, "ms", 20),
      atMost("held up, reading a journal", found.readingMillis, "ms", 20)
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
