import { DueHeap } from "./DueHeap.ts"

/** Milliseconds between two first proposals of "up" by one node. */
const spacing = 50

/**
 * When the first status of a target may be proposed.
 *
 * At a cold start every monitor sees every target without a status, so each waits for a time of its own: whoever comes
 * first proposes, and the others find a status when their time comes. "Down" matters at once and waits up to a tenth of
 * the interval (3 s at most). "Up" changes nothing for anybody, as an undecided target is not held against its member:
 * it waits up to an interval (30 s at most), and one node proposes 20 of them a second, so that a start with 30,000
 * targets takes its time instead of the bus. Deterministic; times in milliseconds of
 * a clock that only goes forward.
 */
export class QuietStart {
  readonly #down = new DueHeap()
  readonly #up = new DueHeap()
  #freeAt = -Infinity

  get size(): number {
    return this.#down.size + this.#up.size
  }

  /** A target without a status was seen. It waits from the first time that it was seen like this. `random` in [0, 1). */
  wait(key: string, up: boolean, interval: number, now: number, random: number): void {
    const [there, other] = up ? [this.#up, this.#down] : [this.#down, this.#up]
    other.delete(key)
    if (there.at(key) !== undefined) return
    const hold = up ? Math.min(interval, 30_000) : Math.min(interval / 10, 3_000)
    there.set(key, now + Math.floor(random * hold))
  }

  /** The target has a status, or is gone. */
  forget(key: string): void {
    this.#down.delete(key)
    this.#up.delete(key)
  }

  /** When the next one may be proposed, or undefined when none waits. */
  next(): number | undefined {
    const up = this.#up.first()
    const down = this.#down.first()
    const free = up === undefined ? undefined : Math.max(up, this.#freeAt)
    return down === undefined || (free !== undefined && free < down) ? free : down
  }

  /** Takes out the next one that may be proposed at `now`. */
  take(now: number): string | undefined {
    return this.#down.take(now) ?? (now >= this.#freeAt ? this.#up.take(now) : undefined)
  }

  /** An "up" was really proposed: the next has to wait. One that others had decided meanwhile costs nothing. */
  spend(now: number): void {
    this.#freeAt = now + spacing
  }
}
