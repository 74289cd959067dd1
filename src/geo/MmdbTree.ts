/** The shape of a search tree, from the metadata of its file. */
export interface MmdbTreeShape {
  readonly nodeCount: number
  /** Bits of one record: 24, 28 or 32. */
  readonly recordSize: number
  readonly ipVersion: number
}

/** Walks the binary search tree of a MaxMind DB file, where it lies. https://maxmind.github.io/MaxMind-DB/ */
export class MmdbTree {
  /** How many bits of the address the last {@link find} used: the length of the prefix that shares its answer. */
  depth = 0
  readonly #bytes: Uint8Array
  readonly #nodeCount: number
  readonly #recordSize: number
  readonly #ipVersion: number
  readonly #ipv4Start: number

  /** `bytes` holds at least the whole tree. */
  constructor(bytes: Uint8Array, shape: MmdbTreeShape) {
    this.#bytes = bytes
    this.#nodeCount = shape.nodeCount
    this.#recordSize = shape.recordSize
    this.#ipVersion = shape.ipVersion
    let start = 0
    // IPv4 lies under ::/96 of an IPv6 tree.
    if (shape.ipVersion === 6) {
      for (let depth = 0; depth < 96 && start < shape.nodeCount; depth++) start = this.#record(start, 0)
    }
    this.#ipv4Start = start
  }

  /** Whether addresses of the family are in this tree at all. */
  has(family: 4 | 6): boolean {
    return family === 4 || this.#ipVersion === 6
  }

  /** Finds where the data of an address is: a number that is the same for the same record, or 0 when there is none. */
  find(family: 4 | 6, words: Uint32Array): number {
    const bits = family === 4 ? 32 : 128
    let node = family === 4 ? this.#ipv4Start : 0
    let depth = 0
    for (; depth < bits && node < this.#nodeCount; depth++) {
      node = this.#record(node, (words[depth >>> 5]! >>> (31 - (depth & 31))) & 1)
    }
    this.depth = depth
    return node > this.#nodeCount ? node : 0
  }

  #record(node: number, bit: number): number {
    const b = this.#bytes
    switch (this.#recordSize) {
      case 24: {
        const at = node * 6 + bit * 3
        return b[at]! << 16 | b[at + 1]! << 8 | b[at + 2]!
      }
      case 28: {
        // The middle byte holds the four highest bits of both: left's first.
        const at = node * 7
        return bit === 0
          ? (b[at + 3]! & 0xf0) << 20 | b[at]! << 16 | b[at + 1]! << 8 | b[at + 2]!
          : (b[at + 3]! & 0x0f) << 24 | b[at + 4]! << 16 | b[at + 5]! << 8 | b[at + 6]!
      }
      default: {
        const at = node * 8 + bit * 4
        return (b[at]! << 24 | b[at + 1]! << 16 | b[at + 2]! << 8 | b[at + 3]!) >>> 0
      }
    }
  }
}
