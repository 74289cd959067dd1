import { hash } from "node:crypto"
import type { TargetKey } from "../../domain/Target.ts"

/** How many targets have a register, and a hash of all (T, seq): equal exactly when two nodes hold the same. */
export interface SeqDigest {
  readonly count: number
  /** 32 hexadecimal digits. */
  readonly hash: string
}

const hashOf = (key: TargetKey, seq: number): bigint =>
  BigInt(`0x${hash("sha256", JSON.stringify([key, seq])).slice(0, 32)}`)

/** Sums up registers in any order, a step at a time: what it costs does not depend on how many there are. */
export class RegisterDigest {
  #count = 0
  #sum = 0n

  /** A register went from `from` to `to`; `from` is 0 for a new one. */
  step(key: TargetKey, from: number, to: number): void {
    if (from === 0) this.#count++
    const gone = from === 0 ? 0n : hashOf(key, from)
    this.#sum = BigInt.asUintN(128, this.#sum - gone + hashOf(key, to))
  }

  /** The register of a target that stood at `seq` is gone. */
  remove(key: TargetKey, seq: number): void {
    this.#count--
    this.#sum = BigInt.asUintN(128, this.#sum - hashOf(key, seq))
  }

  digest(): SeqDigest {
    return { count: this.#count, hash: this.#sum.toString(16).padStart(32, "0") }
  }
}
