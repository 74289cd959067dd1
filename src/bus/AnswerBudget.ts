/** Bytes that answers may have: so many at once, and so many a second after that. */
export interface AnswerRate {
  readonly perSecond: number
  readonly most: number
}

/**
 * How much this node answers, whoever asks: ids on the bus are claims, so a limit for each asker would hold nobody. Costs
 * are bytes. Times in milliseconds of a clock that only goes forward.
 */
export class AnswerBudget {
  readonly #perSecond: number
  readonly #most: number
  #left: number
  #at = Number.NEGATIVE_INFINITY

  constructor(options: AnswerRate) {
    this.#perSecond = options.perSecond
    this.#most = options.most
    this.#left = options.most
  }

  /** Whether an answer may be made now: as long as anything is left, so that no answer is too long for ever. */
  allows(now: number): boolean {
    if (now > this.#at) {
      if (this.#at > Number.NEGATIVE_INFINITY) {
        this.#left = Math.min(this.#most, this.#left + (now - this.#at) / 1_000 * this.#perSecond)
      }
      this.#at = now
    }
    return this.#left > 0
  }

  /** Milliseconds until there is something left, from the last time that was looked; 0 when there is. */
  wait(): number {
    return this.#left > 0 ? 0 : Math.ceil(-this.#left / this.#perSecond * 1_000) + 1
  }

  /** An answer was made. */
  spend(cost: number): void {
    this.#left -= cost
  }
}
