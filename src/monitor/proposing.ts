import type { Debounced } from "../status/Debounce.ts"
import type { Official } from "../status/Decision.ts"
import type { PlannedTarget } from "./PlannedTarget.ts"

/** Milliseconds after which an observation says nothing any more. */
export const staleAfter = (planned: PlannedTarget): number => 2 * planned.check.interval + 30_000

/** What there is to propose: a target's first status, a change of it, or nothing. */
export type Need = "first" | "change" | "nothing"

/**
 * Whether a target's debounced status is to be proposed. Asked after each observation, so that what was rejected is not
 * proposed again before the next one. Nothing is proposed that the last observation speaks against: this node itself
 * would vote no. A decided status lasts at least `MinimumStateTime`.
 */
export const needOf = (
  planned: PlannedTarget,
  { debounced, last }: Debounced,
  official: Official | undefined,
  now: number
): Need => {
  if (debounced === undefined || debounced !== last || debounced === official?.up) return "nothing"
  if (official === undefined) return "first"
  // Either way: a decision from far ahead, by a clock that was wrong, holds nobody up.
  return Math.abs(now - official.decidedAt) < planned.check.minimumStateTime ? "nothing" : "change"
}
