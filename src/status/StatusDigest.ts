import { type TargetKey } from "../domain/Target.ts"

/** How many targets have an official status, and a hash of which is up: equal exactly when nodes agree. */
export interface Digest {
  readonly count: number
  /** 16 hexadecimal digits. */
  readonly hash: string
}

export const isSameDigest = (a: Digest, b: Digest): boolean => a.count === b.count && a.hash === b.hash

/** The avalanche of MurmurHash3: every bit of the input turns half of the bits of the output. */
const mix = (n: number): number => {
  let h = n
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Sums up targets and their status, in any order. It finds what got lost, and is no proof: who wants to can make two sets
 * with one hash.
 */
export class StatusDigest {
  #count = 0
  #high = 0
  #low = 0

  add(key: TargetKey, up: boolean): void {
    // Two FNV-1a hashes side by side.
    let high = up ? 0x811c9dc5 : 0x01000193
    let low = up ? 0x9747b28c : 0x5bd1e995
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i)
      high = Math.imul(high ^ unit, 0x01000193)
      low = Math.imul(low ^ unit, 0x01000193) + 0x9e3779b9 | 0
    }
    this.#count++
    this.#high = (this.#high + mix(high)) >>> 0
    this.#low = (this.#low + mix(low)) >>> 0
  }

  digest(): Digest {
    const hash = [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("")
    return { count: this.#count, hash }
  }
}
