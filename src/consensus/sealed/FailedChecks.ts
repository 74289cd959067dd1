/** Wrong signatures that are found in one name, in messages of one kind, within a second before the rest is not looked at: some 20 ms of work. */
export const maxFailedChecks = 200

/** What is checked. `told` are certificates that others send unasked, `asked` those that this node asked for. */
export type Checked = "proposal" | "vote" | "decision" | "told" | "asked"

/**
 * Bounds the work that wrong signatures make, for each kind of message by itself: who floods with proposals in a name keeps nobody from
 * hearing its votes. Only who is in a roster, or was asked by us, is ever checked in its own name, so few are kept. Who is flooded in its own name is not heard
 * meanwhile, in messages of that kind: its name is all that is known of them.
 */
export class FailedChecks {
  readonly #limit: number
  readonly #failed = new Map<string, number>()
  #second = Number.NEGATIVE_INFINITY

  constructor(limit: number = maxFailedChecks) {
    this.#limit = limit
  }

  /** Whether nothing more of this kind is checked in this name within this second. */
  isSpent(what: Checked, name: string, now: number): boolean {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#failed.clear()
    }
    return (this.#failed.get(`${what} ${name}`) ?? 0) >= this.#limit
  }

  /** A signature in this name was wrong. */
  add(what: Checked, name: string): void {
    const key = `${what} ${name}`
    this.#failed.set(key, (this.#failed.get(key) ?? 0) + 1)
  }
}
