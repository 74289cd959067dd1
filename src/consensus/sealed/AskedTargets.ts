import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import { republishTime } from "../Timing.ts"

/** A member that said that it is ahead, at a step. */
interface Asked {
  readonly seq: number
  readonly at: number
}

/**
 * For which targets we asked whom for a certificate: about a target each member, and for each step one of them, every 10 s at most. So many that
 * are ahead are asked once, and one that only claims to be keeps us from no other. Bounded in targets; members are no more than 64.
 */
export class AskedTargets {
  readonly #limit: number
  readonly #asked = new Map<TargetKey, Map<string, Asked>>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#asked.size
  }

  /** Whether we may ask a member that is at the step `seq`. */
  mayAsk(target: Target, seq: number, member: string, now: number): boolean {
    const asked = this.#asked.get(targetKey(target))
    if (asked === undefined) return this.#asked.size < this.#limit
    for (const [other, one] of asked) {
      if (isRecent(one, now) && (other === member || one.seq === seq)) return false
    }
    return true
  }

  /** We ask. */
  add(target: Target, seq: number, member: string, now: number): void {
    const key = targetKey(target)
    const asked = this.#asked.get(key) ?? new Map<string, Asked>()
    this.#asked.set(key, asked.set(member, { seq, at: now }))
  }

  /** It was answered. */
  delete(target: Target): void {
    this.#asked.delete(targetKey(target))
  }

  forget(now: number): void {
    for (const [key, asked] of this.#asked) {
      for (const [member, one] of asked) if (!isRecent(one, now)) asked.delete(member)
      if (asked.size === 0) this.#asked.delete(key)
    }
  }

  clear(): void {
    this.#asked.clear()
  }
}

const isRecent = ({ at }: Asked, now: number): boolean => now - at < republishTime
