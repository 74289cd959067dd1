import { createHash } from "node:crypto"

/** The hash of one entry: four numbers of 32 bits. */
export type EntryHash = Uint32Array

/** The hash of the text of an entry. */
export const entryHash = (text: string): EntryHash => {
  const hash = createHash("sha256").update(text).digest()
  return Uint32Array.of(hash.readUInt32BE(0), hash.readUInt32BE(4), hash.readUInt32BE(8), hash.readUInt32BE(12))
}

/**
 * Sums up a set in any order, an entry at a time: what it costs does not depend on how many there are. It finds what got
 * lost, and is no proof: who wants to can make two sets with one digest.
 */
export class OverrideDigest {
  readonly #sums = new Uint32Array(4)

  add(hash: EntryHash): void {
    for (let i = 0; i < 4; i++) this.#sums[i]! += hash[i]!
  }

  remove(hash: EntryHash): void {
    for (let i = 0; i < 4; i++) this.#sums[i]! -= hash[i]!
  }

  /** 32 hexadecimal digits. */
  text(): string {
    return Array.from(this.#sums, (sum) => sum.toString(16).padStart(8, "0")).join("")
  }
}
