import { dayOf } from "../domain/wire/Usage.ts"

/** How far the wall clock may be from where it should be. Milliseconds. */
const tolerance = 60_000
/** How long a clock must have gone on steadily from where it was set before it is believed. Milliseconds. */
const settling = 10 * 60_000

interface Reading {
  readonly wall: number
  readonly monotonic: number
}

const deviation = (from: Reading, to: Reading): number => to.wall - from.wall - (to.monotonic - from.monotonic)

/**
 * Which day it is, by a wall clock that may be set while we count.
 *
 * As long as the wall clock is within a minute of start + monotonic time, the day is that of the wall clock, and it never
 * goes back. Else the day stays the last good one until the clock has gone on steadily for ten minutes from where it was
 * set: then that is the time, as it would be after a restart.
 */
export class DayClock {
  #anchor: Reading
  #candidate: Reading | undefined
  #day: string
  #deviation = 0

  constructor(wall: number, monotonic: number) {
    this.#anchor = { wall, monotonic }
    this.#day = dayOf(wall)
  }

  /** The day to count on, `YYYY-MM-DD`. Both times in milliseconds. */
  dayAt(wall: number, monotonic: number): string {
    const now = { wall, monotonic }
    this.#deviation = deviation(this.#anchor, now)
    if (Math.abs(this.#deviation) <= tolerance) {
      this.#candidate = undefined
      const day = dayOf(wall)
      if (day > this.#day) this.#day = day
    } else if (this.#candidate === undefined || Math.abs(deviation(this.#candidate, now)) > tolerance) {
      this.#candidate = now
    } else if (monotonic - this.#candidate.monotonic >= settling) {
      this.#anchor = now
      this.#candidate = undefined
      this.#deviation = 0
      this.#day = dayOf(wall)
    }
    return this.#day
  }

  /** By how many milliseconds the wall clock is ahead of where it should be, while it is not believed. */
  get problem(): number | undefined {
    return this.#candidate === undefined ? undefined : this.#deviation
  }
}
