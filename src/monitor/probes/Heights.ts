/** Targets that are remembered: the ones not seen for longest are forgotten. */
const capacity = 65_536

/** A fall by more blocks than this is no other node behind the same name that is a little behind: the chain began anew. */
const restart = 1_000n

/** When the block numbers of targets rose last. Times in milliseconds, of a clock that only goes forward. */
export class Heights {
  readonly #seen = new Map<string, { height: bigint; since: number }>()

  /** Takes a number in, and says for how long no higher one than the highest has been seen; 0 when it has just risen. */
  stillFor(key: string, height: bigint, now: number): number {
    const seen = this.#seen.get(key)
    this.#seen.delete(key)
    if (seen === undefined || height > seen.height || height + restart < seen.height) {
      this.#seen.set(key, { height, since: now })
      if (this.#seen.size > capacity) this.#seen.delete(this.#seen.keys().next().value!)
      return 0
    }
    this.#seen.set(key, seen)
    return now - seen.since
  }
}
