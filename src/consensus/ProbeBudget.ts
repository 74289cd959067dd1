interface Bucket {
  left: number
  at: number
}

/** So many at once, and so many a second after that. */
interface Rate {
  readonly most: number
  readonly perSecond: number
}

/**
 * Proposals make a node probe, and whoever proposes must not have members flooded by it. Room for a failure of everything
 * that 5 monitors propose at once; what comes from the schedule of the checks does not count.
 */
export const probeRates = {
  proposer: { most: 4_096, perSecond: 64 },
  /** All together: of what one member takes they leave most to the others. */
  outsiders: { most: 256, perSecond: 8 },
  member: { most: 2_048, perSecond: 32 }
} as const

/** Proposers and members that are told apart; of more, the one that was silent longest is forgotten. */
const maxNames = 1_024

/**
 * How many probes others make this node do: by who proposes, and by the member that is probed. Times in milliseconds of a
 * clock that only goes forward.
 */
export class ProbeBudget {
  readonly #rates: Readonly<Record<keyof typeof probeRates, Rate>>
  readonly #buckets = { proposer: new Map<string, Bucket>(), member: new Map<string, Bucket>() }
  readonly #outsiders: Bucket

  constructor(rates: Readonly<Record<keyof typeof probeRates, Rate>> = probeRates) {
    this.#rates = rates
    this.#outsiders = { left: rates.outsiders.most, at: Number.NEGATIVE_INFINITY }
  }

  /** Whether one more probe of a member is done for a proposer; undefined stands for any outsider. */
  take(proposer: string | undefined, member: string, now: number): boolean {
    const buckets = [
      proposer === undefined
        ? this.#fill(this.#outsiders, this.#rates.outsiders, now)
        : this.#bucket("proposer", proposer, now),
      this.#bucket("member", member, now)
    ]
    if (buckets.some(({ left }) => left < 1)) return false
    for (const bucket of buckets) bucket.left--
    return true
  }

  #bucket(kind: "proposer" | "member", name: string, now: number): Bucket {
    const rate = this.#rates[kind]
    const buckets = this.#buckets[kind]
    const bucket = buckets.get(name) ?? { left: rate.most, at: now }
    buckets.delete(name)
    buckets.set(name, bucket)
    if (buckets.size > maxNames) buckets.delete(buckets.keys().next().value!)
    return this.#fill(bucket, rate, now)
  }

  #fill(bucket: Bucket, { most, perSecond }: Rate, now: number): Bucket {
    bucket.left = Math.min(most, bucket.left + Math.max(0, now - bucket.at) / 1_000 * perSecond)
    bucket.at = Math.max(bucket.at, now)
    return bucket
  }
}
