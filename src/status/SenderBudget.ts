/** So much at once, and so much a second after that. */
export interface Rate {
  readonly most: number
  readonly perSecond: number
}

interface Bucket {
  left: number
  at: number
}

const refill = (bucket: Bucket, { most, perSecond }: Rate, now: number): void => {
  const passed = Math.max(0, now - bucket.at)
  bucket.left = Math.min(most, bucket.left + passed / 1_000 * perSecond)
  bucket.at = Math.max(bucket.at, now)
}

/**
 * How much of the work that others give this node it does: by the name of the sender, so that one that went mad does not
 * starve the others, and in all, since names on the bus are claims. Times in milliseconds of a clock that only goes forward.
 */
export class SenderBudget {
  readonly #options: { readonly each: Rate; readonly all: Rate; readonly senders: number }
  readonly #all: Bucket
  /** The one that was silent longest first. */
  readonly #each = new Map<string, Bucket>()

  /** `senders`: how many are told apart; the one that was silent longest is forgotten first. */
  constructor(options: { readonly each: Rate; readonly all: Rate; readonly senders: number }) {
    this.#options = options
    this.#all = { left: options.all.most, at: Number.NEGATIVE_INFINITY }
  }

  /** Whether one more piece of work of a sender is done now. */
  spend(sender: string, now: number): boolean {
    const { all, each, senders } = this.#options
    const bucket = this.#each.get(sender) ?? { left: each.most, at: now }
    this.#each.delete(sender)
    this.#each.set(sender, bucket)
    if (this.#each.size > senders) this.#each.delete(this.#each.keys().next().value!)
    refill(bucket, each, now)
    refill(this.#all, all, now)
    if (bucket.left < 1 || this.#all.left < 1) return false
    bucket.left--
    this.#all.left--
    return true
  }
}
