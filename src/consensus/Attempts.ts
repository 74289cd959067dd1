import { attemptTime, maxAttempts } from "./Timing.ts"

/** The attempts to decide one open proposal. The first begins with it. */
export class Attempts {
  #made = 1
  #ends: number

  /** `now`, as all times here, in milliseconds since the epoch. */
  constructor(now: number) {
    this.#ends = now + attemptTime
  }

  /** Whether the time of this attempt is over. */
  isOver(now: number): boolean {
    return now >= this.#ends
  }

  /** Begins the next attempt. False when there is none any more. */
  next(now: number): boolean {
    if (this.#made >= maxAttempts) return false
    this.#made++
    this.#ends = now + attemptTime
    return true
  }
}
