/** How long successful probes took, in milliseconds to two digits. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** From a millisecond to 65 s, four to an octave: a percentile is within 10 % of what was measured. */
const buckets = 64
const perOctave = 4

/** Numbers of one key: the period that runs, and the one before. */
const width = 2 * buckets

/** Milliseconds after which the older half is forgotten: percentiles cover one to two of these. */
export const latencyPeriod = 3_600_000

const bucketOf = (millis: number): number =>
  millis <= 1 ? 0 : Math.min(buckets - 1, Math.ceil(perOctave * Math.log2(millis)))

const valueOf = (bucket: number): number => Number((2 ** ((bucket - 0.5) / perOctave)).toPrecision(2))

/**
 * A small histogram of latencies for each key, 256 bytes: 30,000 keys take 8 MB in one piece. A bucket that is full halves all
 * of its histogram, which keeps the percentiles. Deterministic; times in milliseconds of a clock that only goes forward.
 */
export class LatencyHistory {
  readonly #slots = new Map<string, number>()
  readonly #free: Array<number> = []
  #counts = new Uint16Array(64 * width)
  #period = -Infinity

  get size(): number {
    return this.#slots.size
  }

  /** Bytes of all histograms together. */
  get bytes(): number {
    return this.#counts.byteLength
  }

  record(key: string, millis: number, now: number): void {
    this.#turn(now)
    const slot = this.#slots.get(key) ?? this.#take(key)
    const start = slot * width
    const at = start + this.#half() + bucketOf(millis)
    if (this.#counts[at] === 0xffff) {
      for (let i = start; i < start + width; i++) this.#counts[i] = this.#counts[i]! >>> 1
    }
    this.#counts[at]!++
  }

  forget(key: string): void {
    const slot = this.#slots.get(key)
    if (slot === undefined) return
    this.#slots.delete(key)
    this.#free.push(slot)
    this.#counts.fill(0, slot * width, (slot + 1) * width)
  }

  keys(): Iterable<string> {
    return this.#slots.keys()
  }

  /** Undefined when nothing was recorded in the last periods. */
  percentiles(key: string, now: number): Percentiles | undefined {
    this.#turn(now)
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    const start = slot * width
    const count = (bucket: number) => this.#counts[start + bucket]! + this.#counts[start + buckets + bucket]!
    let total = 0
    for (let bucket = 0; bucket < buckets; bucket++) total += count(bucket)
    if (total === 0) return undefined
    const quantile = (share: number): number => {
      let left = Math.ceil(share * total)
      let bucket = 0
      while ((left -= count(bucket)) > 0) bucket++
      return valueOf(bucket)
    }
    return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
  }

  #half(): number {
    return Math.abs(this.#period) % 2 * buckets
  }

  /** Forgets the older half when a period is over, and both when nobody came for longer. */
  #turn(now: number): void {
    const period = Math.floor(now / latencyPeriod)
    if (period <= this.#period) return
    if (period > this.#period + 1) this.#counts.fill(0)
    this.#period = period
    const half = this.#half()
    for (const slot of this.#slots.values()) {
      this.#counts.fill(0, slot * width + half, slot * width + half + buckets)
    }
  }

  #take(key: string): number {
    const slot = this.#free.pop() ?? this.#slots.size
    if ((slot + 1) * width > this.#counts.length) {
      const larger = new Uint16Array(2 * this.#counts.length)
      larger.set(this.#counts)
      this.#counts = larger
    }
    this.#slots.set(key, slot)
    return slot
  }
}
