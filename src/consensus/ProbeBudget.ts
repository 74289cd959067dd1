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
  member: { most: 2_048, perSecond: 32 }
} as const

/** Proposers and members that are told apart; of more, the one that was silent longest is forgotten. */
const maxNames = 1_024

/**
 * How many probes others make this node do: by who proposes, and by the member that is probed. A probe is paid before,
 * and given back where what was seen already was enough. Times in milliseconds of a clock that only goes forward.
 */
export class ProbeBudget {
  readonly #rates: { readonly proposer: Rate; readonly member: Rate }
  readonly #buckets = { proposer: new Map<string, Bucket>(), member: new Map<string, Bucket>() }

  constructor(rates: { readonly proposer: Rate; readonly member: Rate } = probeRates) {
    this.#rates = rates
  }

  /** Whether one more probe of a member is done for a proposer. */
  take(proposer: string, member: string, now: number): boolean {
    const buckets = [this.#bucket("proposer", proposer, now), this.#bucket("member", member, now)]
    if (buckets.some(({ left }) => left < 1)) return false
    for (const bucket of buckets) bucket.left--
    return true
  }

  /** It took no probe after all. */
  giveBack(proposer: string, member: string, now: number): void {
    for (const bucket of [this.#bucket("proposer", proposer, now), this.#bucket("member", member, now)]) bucket.left++
  }

  #bucket(kind: "proposer" | "member", name: string, now: number): Bucket {
    const { most, perSecond } = this.#rates[kind]
    const buckets = this.#buckets[kind]
    const bucket = buckets.get(name) ?? { left: most, at: now }
    buckets.delete(name)
    buckets.set(name, bucket)
    if (buckets.size > maxNames) buckets.delete(buckets.keys().next().value!)
    bucket.left = Math.min(most, bucket.left + Math.max(0, now - bucket.at) / 1_000 * perSecond)
    bucket.at = Math.max(bucket.at, now)
    return bucket
  }
}
