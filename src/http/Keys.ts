import * as Redacted from "effect/Redacted"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"

/** Characters of a key. A shorter one could be guessed, and opens nothing. */
export const minimumKeyLength = 16

/** Keys by the names of their owners, as the local document has them. */
export type NamedKeys = Readonly<Record<string, Redacted.Redacted>>

/** The keys that can open something, in a form that shows none of them. */
export interface Keys {
  /** How many can open something. */
  readonly size: number
  /** Why keys of the document open nothing, each with its name: for an operator. Never shows a key. */
  readonly problems: ReadonlyArray<string>
  /** Whose key that is; undefined when it is nobody's. Takes as long for a wrong key as for a right one. */
  readonly nameOf: (presented: string) => string | undefined
}

const problemOf = (key: string): string | undefined =>
  key.trim() === ""
    ? "is empty"
    : key.length < minimumKeyLength
    ? `is shorter than ${minimumKeyLength} characters`
    : /^[\x21-\x7e]+$/.test(key)
    ? undefined
    : "has blanks or characters that no HTTP header can carry"

/** `where` the keys stand, for the problems: `MgmtApi.AuthKeys`. */
export const makeKeys = (keys: NamedKeys, where: string): Keys => {
  // Digests under a random key have one length and tell nothing of what was compared.
  const secret = randomBytes(32)
  const digest = (text: string) => createHmac("sha256", secret).update(text).digest()
  const problems: Array<string> = []
  const known: Array<{ readonly name: string; readonly digest: Buffer }> = []
  for (const [name, redacted] of Object.entries(keys)) {
    const key = Redacted.value(redacted)
    const problem = problemOf(key)
    if (problem === undefined) known.push({ name, digest: digest(key) })
    else problems.push(`${where}.${name} ${problem}`)
  }
  return {
    size: known.length,
    problems,
    nameOf: (presented) => {
      const shown = digest(presented)
      let found: string | undefined
      for (const { digest, name } of known) {
        if (timingSafeEqual(digest, shown)) found ??= name
      }
      return found
    }
  }
}

/** The key that a request shows: `Authorization: Bearer KEY`, or `X-API-Key: KEY`. Never one of the URL, which is logged. */
export const presentedKey = (headers: Readonly<Record<string, string | undefined>>): string | undefined => {
  const bearer = /^bearer +(\S+) *$/i.exec(headers["authorization"] ?? "")?.[1]
  const key = bearer ?? headers["x-api-key"]?.trim()
  return key === undefined || key === "" ? undefined : key
}
