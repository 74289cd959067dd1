import { simulateSeeds } from "../test/simulation/simulateSeeds.ts"
import { tiers } from "../test/simulation/tier.ts"
import { atLeast, type Benchmark, type Measure } from "./measure.ts"

/** Seeds per minute that CI needs, on two cores: 100,000 of clusters of the pure cores within 4 minutes. */
const goals: Readonly<Record<string, { readonly perMinute: number; readonly seeds: number; readonly smoke: number }>> =
  {
    core: { perMinute: 25_000, seeds: 10_000, smoke: 200 },
    cluster: { perMinute: 170, seeds: 200, smoke: 4 }
  }

/** How many simulated clusters are played a minute, on all cores. */
export const run: Benchmark = async ({ smoke }) => {
  const measures: Array<Measure> = []
  for (const [name, load] of Object.entries(tiers)) {
    const goal = goals[name]
    if (load === undefined || goal === undefined) continue
    const { tier } = await load()
    const job = { tier: name, mode: undefined, kind: tier.kinds[0]!, from: 1, count: smoke ? goal.smoke : goal.seeds }
    const began = performance.now()
    const { failed, played } = await simulateSeeds(job)
    if (failed.length > 0) throw new Error(`seed ${failed[0]!.seed} fails: ${failed[0]!.violations[0]}`)
    const perMinute = played / (performance.now() - began) * 60_000
    measures.push(atLeast(`simulate: ${name}`, perMinute, "seeds/min", goal.perMinute))
  }
  return measures
}
