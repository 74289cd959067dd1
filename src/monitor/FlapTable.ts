import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { decay, flap, type FlapLimits, type FlapScore, heldFor, noFlaps } from "../status/FlapScore.ts"

/** A target that is held down because it went down too often. */
export interface HeldTarget {
  readonly target: Target
  /** Its penalty now, in points. */
  readonly penalty: number
  /** Milliseconds from now until it is let go, unless it flaps again. */
  readonly left: number
}

/** A penalty that says nothing any more. */
const faded = 10

/**
 * Which targets flap. Without limits nothing is held, and nothing remembered. Times in milliseconds of a clock that only goes
 * forward. As large as there are targets for which it is told of flaps; {@link FlapTable.retain} forgets the others.
 */
export class FlapTable {
  readonly #scores = new Map<TargetKey, { readonly target: Target; score: FlapScore }>()
  #limits: FlapLimits | undefined

  get size(): number {
    return this.#scores.size
  }

  setLimits(limits: FlapLimits | undefined): void {
    this.#limits = limits
    if (limits === undefined) this.#scores.clear()
  }

  /** A target went down. The target as it is held, if it is held since now; undefined else. */
  flap(target: Target, now: number): HeldTarget | undefined {
    const limits = this.#limits
    if (limits === undefined) return undefined
    const key = targetKey(target)
    const before = decay(this.#scores.get(key)?.score ?? noFlaps, now, limits)
    const score = flap(before, now, limits)
    this.#scores.set(key, { target, score })
    return score.held && !before.held
      ? { target, penalty: score.penalty, left: heldFor(score, limits) }
      : undefined
  }

  /** Whether a target is held at `now`. */
  holds(key: TargetKey, now: number): boolean {
    const entry = this.#scores.get(key)
    return entry !== undefined && this.#limits !== undefined && decay(entry.score, now, this.#limits).held
  }

  /** All that are held, the longest first. */
  held(now: number): ReadonlyArray<HeldTarget> {
    const limits = this.#limits
    if (limits === undefined) return []
    return Array.from(this.#scores.values(), ({ score, target }) => ({ target, score: decay(score, now, limits) }))
      .filter(({ score }) => score.held)
      .map(({ score, target }) => ({ target, penalty: score.penalty, left: heldFor(score, limits) }))
      .sort((a, b) => b.left - a.left)
  }

  /** Forgets what says nothing any more, and targets that are not checked any more. Gives those that are let go. */
  retain(isChecked: (key: TargetKey) => boolean, now: number): ReadonlyArray<Target> {
    const released: Array<Target> = []
    for (const [key, entry] of this.#scores) {
      const score = this.#limits === undefined ? noFlaps : decay(entry.score, now, this.#limits)
      if (entry.score.held && !score.held) released.push(entry.target)
      entry.score = score
      if (!isChecked(key) || score.penalty < faded) this.#scores.delete(key)
    }
    return released
  }
}
