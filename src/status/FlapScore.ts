/**
 * When a target that goes down too often is held down, in the terms of RFC 2439 (route flap damping). Penalties are in points,
 * times in milliseconds.
 */
export interface FlapLimits {
  /** In so much time a penalty falls to its half. */
  readonly halfLife: number
  /** A target with a penalty above this is held. */
  readonly suppressLimit: number
  /** One that is held is let go when its penalty is below this. Less than `suppressLimit`. */
  readonly reuseLimit: number
  /** A target is never held for longer than this after its last flap. */
  readonly maxSuppressTime: number
}

/** What one flap costs: each change from up to down. The way back costs nothing. */
export const flapPenalty = 1_000

/** How often a target went down lately. */
export interface FlapScore {
  /** The penalty at the time `at`. */
  readonly penalty: number
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number
  readonly held: boolean
}

/** Of a target that never flapped. */
export const noFlaps: FlapScore = { penalty: 0, at: Number.NEGATIVE_INFINITY, held: false }

/** No penalty is higher: it falls to the reuse limit within the longest time that a target is held. */
export const penaltyCeiling = ({ halfLife, maxSuppressTime, reuseLimit }: FlapLimits): number =>
  reuseLimit * 2 ** (maxSuppressTime / halfLife)

/** The score at `now`: penalties decay. An older `now` is taken as the time of the score. */
export const decay = (score: FlapScore, now: number, limits: FlapLimits): FlapScore => {
  const at = Math.max(now, score.at)
  const left = score.penalty === 0 ? 0 : score.penalty * 2 ** ((score.at - at) / limits.halfLife)
  const penalty = Math.min(left, penaltyCeiling(limits))
  return { penalty, at, held: score.held && penalty >= limits.reuseLimit }
}

/** The score after one more flap. */
export const flap = (score: FlapScore, now: number, limits: FlapLimits): FlapScore => {
  const before = decay(score, now, limits)
  const penalty = Math.min(before.penalty + flapPenalty, penaltyCeiling(limits))
  return { penalty, at: before.at, held: before.held || penalty > limits.suppressLimit }
}

/** Milliseconds from the time of the score until a target that is held and stays down is let go. */
export const heldFor = ({ held, penalty }: FlapScore, { halfLife, reuseLimit }: FlapLimits): number =>
  held ? Math.max(0, halfLife * Math.log2(penalty / reuseLimit)) : 0
