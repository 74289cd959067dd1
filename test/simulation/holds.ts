import { assert } from "@effect/vitest"
import { type Kind, makePlan } from "./plan/makePlan.ts"
import type { Mode } from "./plan/Mode.ts"
import type { Plan } from "./plan/Plan.ts"
import { storyOf } from "./storyOf.ts"
import type { Outcome } from "./world/Cluster.ts"

/** Plays seeds from 1 on; those that fail are told. What happened in all of them, added up. */
export const holdsIn =
  (play: (plan: Plan, isTold?: boolean) => Outcome) => (mode: Mode, seeds: number, kind: Kind = "chaos") => {
    const counts = new Map<string, number>()
    const latencies: Array<number> = []
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = play(makePlan(seed, mode, kind))
      if (outcome.violations.length > 0) assert.fail(storyOf(seed, mode, kind, play))
      for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      latencies.push(...outcome.latencies)
    }
    return { counts, latencies }
  }

/** What befell the seeds of a mode, whatever came of it. */
export const befalls = (counts: ReadonlyMap<string, number>, ...what: ReadonlyArray<string>) =>
  assert.deepStrictEqual(what.filter((one) => (counts.get(one) ?? 0) === 0), [])
