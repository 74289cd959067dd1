import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto"
import type { Verifier } from "./Verifier.ts"

/** Keys and signatures as text: the algorithm, then base64url. The last letter is such that each has one spelling. */
const prefix = "ed25519:"
const keyPattern = /^ed25519:([\w-]{42}[AEIMQUYcgkosw048])$/
const signaturePattern = /^ed25519:([\w-]{85}[AQgw])$/

/** The public key of a private or public one, as text. */
export const publicKeyText = (key: KeyObject): string =>
  prefix + String((key.type === "private" ? createPublicKey(key) : key).export({ format: "jwk" }).x)

/** Signs the UTF-8 of a text. */
export const ed25519Signature = (privateKey: KeyObject, text: string): string =>
  prefix + sign(null, Buffer.from(text), privateKey).toString("base64url")

/** Checks Ed25519 signatures of a public key; undefined when the text is no such key. */
export const ed25519Verifier = (key: string): Verifier | undefined => {
  const x = keyPattern.exec(key)?.[1]
  if (x === undefined) return undefined
  try {
    const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" })
    return {
      key,
      verify: (text, signature) => {
        const encoded = signaturePattern.exec(signature)?.[1]
        return encoded !== undefined && verify(null, Buffer.from(text), publicKey, Buffer.from(encoded, "base64url"))
      }
    }
  } catch {
    return undefined
  }
}

/** A new private key, from the system's randomness. */
export const newPrivateKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey
