/** The shape of a search tree, from the metadata of its file. */
export interface MmdbTreeShape {
  readonly nodeCount: number
  /** Bits of one record: 24, 28 or 32. */
  readonly recordSize: number
  readonly ipVersion: number
}

/**
 * A search tree that is quick to walk: four bits of the address at a time, in blocks of 16 places, which is a line of the
 * processor's cache. A place that is not negative is where the next block begins. A negative one is the end: the complement
 * of four times a number, which is 0 where nothing is known, and of how many of the four bits led there, less one.
 */
export interface FlatTree {
  readonly places: Int32Array<ArrayBuffer>
  /** The place where IPv4 addresses begin. */
  readonly ipv4: number
  /** The place that the first 16 bits of an IPv4 address lead to; -1 where the end comes before. */
  readonly ipv4Heads: Int32Array<ArrayBuffer>
  readonly hasIpv6: boolean
}

/** Bits of an address that one block decides on, and its places. */
const stride = 4
const blockSize = 2 ** stride

const endAt = (number: number, bits: number): number => ~(stride * number + bits - 1)

/** More would not fit into the places. */
const maxNodes = 2 ** 26

/** The two children of a node, where they lie. The highest child is 2^32 - 1. */
const childReader = (bytes: Uint8Array, recordSize: number): (node: number, bit: number) => number => {
  switch (recordSize) {
    case 24:
      return (node, bit) => {
        const at = node * 6 + bit * 3
        return bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!
      }
    case 28:
      // The middle byte holds the four highest bits of both: left's first.
      return (node, bit) => {
        const at = node * 7
        return bit === 0
          ? (bytes[at + 3]! & 0xf0) << 20 | bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!
          : (bytes[at + 3]! & 0x0f) << 24 | bytes[at + 4]! << 16 | bytes[at + 5]! << 8 | bytes[at + 6]!
      }
    default:
      return (node, bit) => {
        const at = node * 8 + bit * 4
        return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0
      }
  }
}

/** Grows as blocks are added. */
class Blocks {
  places = new Int32Array(blockSize * 1024)
  length = 0

  /** Where the new block begins. */
  add(): number {
    const at = this.length
    this.length += blockSize
    if (this.length > this.places.length) {
      const larger = new Int32Array(2 * this.places.length)
      larger.set(this.places)
      this.places = larger
    }
    return at
  }
}

/**
 * Reads the search tree at the begin of a MaxMind DB file (https://maxmind.github.io/MaxMind-DB/). `numberOf` gives each
 * pointer into the data its number, above 0. `bytes` holds at least the whole tree. Undefined when it is too large.
 */
export const flattenTree = (
  bytes: Uint8Array,
  { ipVersion, nodeCount, recordSize }: MmdbTreeShape,
  numberOf: (pointer: number) => number
): FlatTree | undefined => {
  if (nodeCount > maxNodes) return undefined
  const child = childReader(bytes, recordSize)
  const blocks = new Blocks()
  // Nodes that begin a block, in the order of the blocks, and the block of each: a tree may lead to a node by several ways.
  const nodes: Array<number> = []
  const blockOf = new Int32Array(nodeCount).fill(-1)
  const begin = (node: number): number => {
    if (blockOf[node]! < 0) {
      blockOf[node] = blocks.add()
      nodes.push(node)
    }
    return blockOf[node]!
  }
  const numberAt = (value: number): number => value === nodeCount ? 0 : numberOf(value - nodeCount)
  /** Fills the places that `bits` bits of a block lead to, which begin with the one at `at`. */
  const fill = (value: number, bits: number, at: number): void => {
    const width = blockSize >>> bits
    if (value >= nodeCount) blocks.places.fill(endAt(numberAt(value), bits), at, at + width)
    else if (bits === stride) {
      // First: it may move all places.
      const next = begin(value)
      blocks.places[at] = next
    } else {
      fill(child(value, 0), bits + 1, at)
      fill(child(value, 1), bits + 1, at + width / 2)
    }
  }

  begin(0)
  let ipv4 = 0
  // IPv4 lies under ::/96 of an IPv6 tree.
  if (ipVersion === 6) { for (let depth = 0; depth < 96 && ipv4 < nodeCount; depth++) ipv4 = child(ipv4, 0) }
  const ipv4Place = ipv4 < nodeCount ? begin(ipv4) : endAt(numberAt(ipv4), 1)
  for (let i = 0; i < nodes.length; i++) {
    const at = i * blockSize
    fill(child(nodes[i]!, 0), 1, at)
    fill(child(nodes[i]!, 1), 1, at + blockSize / 2)
  }
  const places = blocks.places.slice(0, blocks.length)
  return { places, ipv4: ipv4Place, ipv4Heads: headsOf(places, ipv4Place), hasIpv6: ipVersion === 6 }
}

const headBits = 16

const headsOf = (places: Int32Array, ipv4: number): Int32Array<ArrayBuffer> => {
  const heads = new Int32Array(2 ** headBits).fill(-1)
  const fill = (at: number, head: number, bits: number): void => {
    if (at < 0) return
    if (bits === 0) heads[head] = at
    else for (let i = 0; i < blockSize; i++) fill(places[at + i]!, head << stride | i, bits - stride)
  }
  fill(ipv4, 0, headBits)
  return heads
}

/** Walks a flat tree. */
export class MmdbTree {
  /** How many bits of the address the last {@link find} used: the length of the prefix that shares its answer. */
  depth = 0
  readonly #places: Int32Array
  readonly #ipv4: number
  readonly #ipv4Heads: Int32Array
  readonly #hasIpv6: boolean

  constructor(tree: FlatTree) {
    this.#places = tree.places
    this.#ipv4 = tree.ipv4
    this.#ipv4Heads = tree.ipv4Heads
    this.#hasIpv6 = tree.hasIpv6
  }

  /** Whether addresses of the family are in this tree at all. */
  has(family: 4 | 6): boolean {
    return family === 4 || this.#hasIpv6
  }

  /** The number of what is known of an address, as `readAddress` left it in `words`; 0 for nothing. */
  find(family: 4 | 6, words: Uint32Array): number {
    return family === 4 ? this.#findIpv4(words[0]!) : this.#findIpv6(words)
  }

  #findIpv4(word: number): number {
    const places = this.#places
    let at = this.#ipv4Heads[word >>> 32 - headBits]!
    let left = 32 - headBits
    if (at < 0) {
      at = this.#ipv4
      left = 32
    }
    while (at >= 0 && left > 0) {
      left -= stride
      at = places[at + (word >>> left & blockSize - 1)]!
    }
    return this.#end(at, 32 - left)
  }

  #findIpv6(words: Uint32Array): number {
    const places = this.#places
    let at = 0
    let depth = 0
    for (; at >= 0 && depth < 128; depth += stride) {
      at = places[at + (words[depth >>> 5]! >>> 32 - stride - (depth & 31) & blockSize - 1)]!
    }
    return this.#end(at, depth)
  }

  /** What is at a place that so many bits led to. A tree that goes on after the last bit knows nothing. */
  #end(place: number, bits: number): number {
    const end = ~place
    this.depth = place >= 0 || bits === 0 ? bits : bits - stride + (end & stride - 1) + 1
    return place >= 0 ? 0 : end >>> 2
  }

  /**
   * IPv4 addresses of which something is known, the first of each network, from the lowest on. It ends after `maxPlaces`
   * places: a file of a few nodes can lead nowhere by billions of ways.
   */
  *ipv4Addresses(maxPlaces: number): Generator<number> {
    let left = maxPlaces
    const walk = function*(places: Int32Array, at: number, depth: number, head: number): Generator<number> {
      if (at < 0) {
        if (~at >>> 2 > 0) yield head >>> 0
      } else if (depth < 32) {
        for (let i = 0; i < blockSize && left > 0; i++) {
          left--
          const next = places[at + i]!
          // Several places of a block may lead to the same end: its first says it.
          if (next < 0 && i > 0 && next === places[at + i - 1]) continue
          yield* walk(places, next, depth + stride, head | i << 28 - depth)
        }
      }
    }
    yield* walk(this.#places, this.#ipv4, 0, 0)
  }
}
