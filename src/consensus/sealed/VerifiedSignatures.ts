import type { Verifier } from "./Verifier.ts"

/** Signatures that are remembered as good; some 700 bytes each. */
const maxRemembered = 16_384

/**
 * Checks signatures, and each good one once: a vote is checked when it comes, and again in every certificate that holds it.
 * What did not hold is not kept, so nobody without a key can fill it. Beyond its size the oldest is forgotten, which costs a check.
 */
export class VerifiedSignatures {
  /** Signature → what it is good for. */
  readonly #good = new Map<string, { readonly key: string; readonly text: string }>()
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
    const { key } = verifier
    const good = this.#good.get(signature)
    if (good?.text === text && good.key === key) return true
    this.#checks++
    if (!verifier.verify(text, signature)) return false
    this.remember(key, text, signature)
    return true
  }

  /** Takes a signature for good: one that was just made with the private key of `key`. */
  remember(key: string, text: string, signature: string): void {
    if (this.#good.size >= this.#size) this.#good.delete(this.#good.keys().next().value!)
    this.#good.set(signature, { key, text })
  }
}
