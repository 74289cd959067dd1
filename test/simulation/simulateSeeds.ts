import { once } from "node:events"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { Job, Report } from "./worker.ts"

/** Seeds that a worker plays before it reports. */
const chunk = 10

/** Plays many seeds, on as many cores as there are. `progress` hears how many are done, and how many of these failed. */
export const simulateSeeds = async (
  job: Job,
  options: {
    readonly workers?: number
    /** No new seeds are begun when so many have failed. */
    readonly maxFailed?: number
    readonly progress?: (done: number, failed: number) => void
  } = {}
): Promise<Report> => {
  const { maxFailed = 20, progress, workers = availableParallelism() } = options
  const failed: Array<Report["failed"][number]> = []
  const counts = new Map<string, number>()
  const latencies: Array<number> = []
  let next = job.from
  let played = 0
  const end = job.from + job.count

  const one = async (): Promise<void> => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url))
    try {
      while (next < end && failed.length < maxFailed) {
        const count = Math.min(chunk, end - next)
        const from = next
        next += count
        worker.postMessage({ ...job, from, count } satisfies Job)
        const [report] = await once(worker, "message") as [Report]
        played += report.played
        failed.push(...report.failed)
        for (const [what, times] of report.counts) counts.set(what, (counts.get(what) ?? 0) + times)
        latencies.push(...report.latencies)
        progress?.(played, failed.length)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, workers) }, one))
  return { played, failed: failed.sort((a, b) => a.seed - b.seed), counts, latencies }
}
