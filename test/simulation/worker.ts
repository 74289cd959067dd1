import { parentPort } from "node:worker_threads"
import type { Mode } from "./plan/Mode.ts"
import { modeOf, tiers } from "./tier.ts"

/** Seeds that a worker is to play. */
export interface Job {
  readonly tier: string
  readonly mode: Mode | undefined
  readonly kind: string
  readonly from: number
  readonly count: number
}

/** What came of them. */
export interface Report {
  readonly played: number
  readonly failed: ReadonlyArray<
    { readonly seed: number; readonly mode: Mode; readonly violations: ReadonlyArray<string> }
  >
  readonly counts: ReadonlyMap<string, number>
  readonly latencies: ReadonlyArray<number>
}

const work = async ({ count, from, kind, mode, tier: name }: Job): Promise<Report> => {
  const { tier } = await tiers.get(name)!()
  const failed: Array<Report["failed"][number]> = []
  const counts = new Map<string, number>()
  const latencies: Array<number> = []
  for (let seed = from; seed < from + count; seed++) {
    const of = mode ?? modeOf(tier, seed)
    const played = await tier.play(seed, of, kind)
    if (played.violations.length > 0) failed.push({ seed, mode: of, violations: played.violations })
    for (const [what, times] of played.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    latencies.push(...played.latencies)
  }
  return { played: count, failed, counts, latencies }
}

// A broken simulation ends the worker with its error, which main shows.
parentPort?.on("message", (job: Job) => void work(job).then((report) => parentPort?.postMessage(report)))
