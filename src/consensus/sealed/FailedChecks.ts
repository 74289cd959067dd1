/** Wrong signatures that are found in one name within a second before the rest is not looked at: some 20 ms of work. */
export const maxFailedChecks = 200

/**
 * Bounds the work that wrong signatures make. Only who is in a roster is ever checked, so few names are kept. Who is flooded in its
 * own name is not heard meanwhile: its name is all that is known of such messages.
 */
export class FailedChecks {
  readonly #limit: number
  readonly #failed = new Map<string, number>()
  #second = Number.NEGATIVE_INFINITY

  constructor(limit: number = maxFailedChecks) {
    this.#limit = limit
  }

  /** Whether nothing more is checked in this name within this second. */
  isSpent(name: string, now: number): boolean {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#failed.clear()
    }
    return (this.#failed.get(name) ?? 0) >= this.#limit
  }

  /** A signature in this name was wrong. */
  add(name: string): void {
    this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1)
  }
}
