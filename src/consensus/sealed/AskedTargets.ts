import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import { republishTime } from "../Timing.ts"

/** For which targets we asked a peer for its certificate: each every 10 s at most, and so many at once. */
export class AskedTargets {
  readonly #limit: number
  readonly #asked = new Map<TargetKey, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#asked.size
  }

  /** Whether we may ask. */
  mayAsk(target: Target, now: number): boolean {
    return this.#asked.size < this.#limit && !isRecent(this.#asked.get(targetKey(target)), now)
  }

  /** We ask. */
  add(target: Target, now: number): void {
    this.#asked.set(targetKey(target), now)
  }

  /** It was answered. */
  delete(target: Target): void {
    this.#asked.delete(targetKey(target))
  }

  forget(now: number): void {
    for (const [key, at] of this.#asked) if (!isRecent(at, now)) this.#asked.delete(key)
  }

  clear(): void {
    this.#asked.clear()
  }
}

const isRecent = (at: number | undefined, now: number): boolean => at !== undefined && now - at < republishTime
