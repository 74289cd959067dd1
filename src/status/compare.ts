import type { Target, TargetKey } from "../domain/Target.ts"
import type { Difference } from "./Shadow.ts"

/** The status of targets as somebody holds it. */
export type Statuses = ReadonlyMap<TargetKey, { readonly target: Target; readonly up: boolean }>

/** How two sides compare. */
export interface Compared {
  /** Targets that one of them knows. */
  readonly compared: number
  readonly agreed: number
  readonly differences: ReadonlyMap<TargetKey, Difference>
}

/**
 * Compares what is held here with what is held there, at `now`. A difference that is in `before` and is still the same
 * keeps its time; one that turned round begins anew.
 */
export const compare = (
  here: Statuses,
  there: Statuses,
  before: ReadonlyMap<TargetKey, Difference>,
  now: number
): Compared => {
  const differences = new Map<TargetKey, Difference>()
  let agreed = 0
  let compared = 0
  const look = (key: TargetKey, target: Target) => {
    compared++
    const ours = here.get(key)?.up
    const theirs = there.get(key)?.up
    if (ours === theirs) {
      agreed++
      return
    }
    const known = before.get(key)
    const lasts = known !== undefined && known.here === ours && known.there === theirs
    differences.set(key, lasts ? known : { target, here: ours, there: theirs, since: now })
  }
  for (const [key, { target }] of here) look(key, target)
  for (const [key, { target }] of there) if (!here.has(key)) look(key, target)
  return { compared, agreed, differences }
}
