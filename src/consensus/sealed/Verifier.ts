import { cheapVerifier, isCheapKey } from "./cheapKey.ts"
import { ed25519Verifier } from "./ed25519.ts"

/** Checks signatures of one public key. */
export interface Verifier {
  /** The public key as text. */
  readonly key: string
  /** Whether the signature is one of this key over the UTF-8 of the text. Total: garbage is no signature. */
  readonly verify: (text: string, signature: string) => boolean
}

/** Which keys are taken: real ones; with `simulated` also the cheap ones of simulations, which anybody can forge. */
export interface KeyRules {
  readonly simulated?: boolean
}

/** The verifier of a public key, by the algorithm that the text begins with; undefined when it is no key to be taken. */
export const verifierOf = (key: string, rules: KeyRules = {}): Verifier | undefined =>
  isCheapKey(key) ? rules.simulated === true ? cheapVerifier(key) : undefined : ed25519Verifier(key)
