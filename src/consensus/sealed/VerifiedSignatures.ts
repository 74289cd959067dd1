import type { Verifier } from "./Verifier.ts"

/** Signatures that are remembered as good; some 700 bytes each. */
const maxRemembered = 16_384

/**
 * Checks signatures, and each good one once: a vote is checked when it comes, and again in every certificate that holds it.
 * What did not hold is not kept, so nobody without a key can fill it. Beyond its size the oldest is forgotten, which costs a check.
 */
export class VerifiedSignatures {
  readonly #good = new Set<string>()
  readonly #size: number
  #checks = 0

  constructor(size: number = maxRemembered) {
    this.#size = size
  }

  /** Signatures that were really checked: what it cost. */
  get checks(): number {
    return this.#checks
  }

  /** Signatures that are remembered. */
  get size(): number {
    return this.#good.size
  }

  /** Whether this is the verifier's signature over the text. */
  holds(verifier: Verifier, text: string, signature: string): boolean {
    const key = JSON.stringify([verifier.key, signature, text])
    if (this.#good.has(key)) return true
    this.#checks++
    if (!verifier.verify(text, signature)) return false
    if (this.#good.size >= this.#size) this.#good.delete(this.#good.values().next().value!)
    this.#good.add(key)
    return true
  }
}
