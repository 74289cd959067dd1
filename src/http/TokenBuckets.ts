/** How much one client may do: so many at once, and so many per second on average. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

interface Bucket {
  tokens: number
  at: number
}

/**
 * A token bucket for each client, for as many clients as were seen last. A client that was forgotten begins with a full
 * bucket: memory is bounded, and nobody is refused for it.
 */
export class TokenBuckets {
  private readonly buckets = new Map<string, Bucket>()
  private readonly capacity: number

  /** `capacity`: clients that are remembered. */
  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.buckets.size
  }

  /** Takes a token. 0 when there was one, else the milliseconds until there will be. `now` in milliseconds. */
  take(client: string, now: number, rate: Rate): number {
    const bucket = this.filled(client, now, rate)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / rate.perSecond * 1000)
    bucket.tokens--
    return 0
  }

  /** How long a client has to wait for a token, without taking one. */
  wait(client: string, now: number, rate: Rate): number {
    const bucket = this.buckets.get(client)
    if (bucket === undefined) return 0
    const tokens = tokensAt(bucket, now, rate)
    return tokens < 1 ? Math.ceil((1 - tokens) / rate.perSecond * 1000) : 0
  }

  /** The bucket as it is now, as the one that was used last. */
  private filled(client: string, now: number, rate: Rate): Bucket {
    const known = this.buckets.get(client)
    if (known === undefined) {
      if (this.buckets.size >= this.capacity) this.buckets.delete(this.buckets.keys().next().value!)
    } else this.buckets.delete(client)
    const bucket = known ?? { tokens: rate.burst, at: now }
    bucket.tokens = tokensAt(bucket, now, rate)
    bucket.at = now
    this.buckets.set(client, bucket)
    return bucket
  }
}

/** A clock that was set back takes nothing away and gives nothing. */
const tokensAt = ({ at, tokens }: Bucket, now: number, { burst, perSecond }: Rate): number =>
  Math.min(burst, tokens + Math.max(0, now - at) / 1000 * perSecond)
