/** A process that did not run for so much longer than it meant to sleep was away: what was said meanwhile it may never hear. Milliseconds. */
export const awayAfter = 5_000

/** What the clocks show, in milliseconds. */
export interface Clocks {
  /** The time of day. */
  readonly wall: number
  /** A clock that nobody sets; it stands still while the machine sleeps. */
  readonly monotonic: number
}

/**
 * Whether this process did not run for a while between two looks that were to be `apart` milliseconds apart: it was stopped, its machine
 * slept, or was too busy. One of the two clocks tells; that the time of day is set back says nothing.
 */
export const wasAway = (before: Clocks, after: Clocks, apart: number): boolean =>
  Math.max(after.wall - before.wall, after.monotonic - before.monotonic) > apart + awayAfter
