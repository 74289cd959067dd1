import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A network that a database cannot hold. */
export class BadNetwork extends Schema.TaggedError<BadNetwork>()("BadNetwork", {
  network: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.network}: ${this.problem}`
  }
}

/** An unsigned integer of a width in bits. */
export interface Uint {
  readonly bits: 16 | 32 | 64
  readonly value: number
}

/** What a record can hold. A plain number is a double. */
export type MmdbValue = string | number | boolean | Uint | ReadonlyArray<MmdbValue> | MmdbMap

/** A map of a record. */
export type MmdbMap = ReadonlyMap<string, MmdbValue>

/** An unsigned integer for a record. */
export const uint = (bits: 16 | 32 | 64, value: number): Uint => ({ bits, value })

/** A map for a record, from the fields that are not undefined. */
export const fields = (values: Readonly<Record<string, MmdbValue | undefined>>): MmdbMap =>
  new Map(Object.entries(values).flatMap(([key, value]) => value === undefined ? [] : [[key, value]]))

/** A database to be written. */
export interface MmdbContent {
  /** E.g. `GeoLite2-City`: readers tell by it what the records hold. */
  readonly databaseType: string
  readonly description: string
  /** Milliseconds since the epoch. */
  readonly builtAt: number
  /** 6, the default, holds both families: IPv4 under `::/96`. */
  readonly ipVersion?: 4 | 6
  /** Bits of a record of the tree; the least that can hold the database when left out or too small. */
  readonly recordSize?: 24 | 28 | 32
  /** Networks in CIDR form and their records. Of two that overlap the more specific wins, of two equal ones the later. */
  readonly entries: ReadonlyArray<{ readonly network: string; readonly record: MmdbMap }>
}

/**
 * Writes a MaxMind DB file, version 2.0 (https://maxmind.github.io/MaxMind-DB/), for demos and tests: equal records are
 * stored once, nothing else is shared.
 */
export const writeMmdb = (content: MmdbContent): Result.Result<Uint8Array, BadNetwork> =>
  Result.gen(function*() {
    const ipVersion = content.ipVersion ?? 6
    const tree = new Tree()
    const data = new DataSection()
    const routes: Array<Route> = []
    for (const { network, record } of content.entries) {
      routes.push({ ...(yield* readNetwork(network, ipVersion)), data: data.add(record) })
    }
    // Shorter prefixes first: what is more specific then only ever splits what is there.
    for (const route of routes.sort((a, b) => a.length - b.length)) tree.insert(route)
    const largest = tree.size + separatorSize + data.length
    const recordSize = largest < 2 ** 24 && (content.recordSize ?? 24) === 24
      ? 24
      : largest < 2 ** 28 && content.recordSize !== 32
      ? 28
      : 32
    return Buffer.concat([
      tree.encode(recordSize),
      Buffer.alloc(separatorSize),
      data.encode(),
      Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"),
      encodeValue(fields({
        binary_format_major_version: uint(16, 2),
        binary_format_minor_version: uint(16, 0),
        build_epoch: uint(64, Math.floor(content.builtAt / 1000)),
        database_type: content.databaseType,
        description: fields({ en: content.description }),
        ip_version: uint(16, ipVersion),
        languages: ["en"],
        node_count: uint(32, tree.size),
        record_size: uint(16, recordSize)
      }))
    ])
  })

/** Zeros between tree and data. */
const separatorSize = 16

interface Route {
  readonly bytes: ReadonlyArray<number>
  /** Bits of the prefix. */
  readonly length: number
  readonly data: number
}

const readNetwork = (network: string, ipVersion: 4 | 6): Result.Result<Omit<Route, "data">, BadNetwork> =>
  Result.flatMap(
    Result.mapError(IpNetwork.fromString(network), (error) => new BadNetwork({ network, problem: error.message })),
    ({ address, prefixLength }) => {
      if (NetAddress.isIpv6Address(address)) {
        return ipVersion === 6
          ? Result.succeed({ bytes: NetAddress.ipv6ToOctets(address), length: prefixLength })
          : Result.fail(new BadNetwork({ network, problem: "an IPv4 database cannot hold an IPv6 network" }))
      }
      const octets = NetAddress.ipv4ToOctets(address)
      return Result.succeed(
        ipVersion === 4
          ? { bytes: octets, length: prefixLength }
          : { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...octets], length: 96 + prefixLength }
      )
    }
  )

/** A binary tree. A child ≥ 0 is a node, -1 nothing, and below that the data at -(child + 2). */
class Tree {
  readonly #children: [Array<number>, Array<number>] = [[-1], [-1]]

  get size(): number {
    return this.#children[0].length
  }

  insert({ bytes, data, length }: Route): void {
    const leaf = -2 - data
    let node = 0
    if (length === 0) this.#children[0][0] = this.#children[1][0] = leaf
    for (let depth = 0; depth < length; depth++) {
      const side = this.#children[((bytes[depth >>> 3]! >>> (7 - (depth & 7))) & 1) as 0 | 1]
      if (depth === length - 1) {
        side[node] = leaf
        return
      }
      const child = side[node]!
      if (child >= 0) node = child
      else {
        // Both halves keep what the whole had.
        node = side[node] = this.size
        this.#children[0].push(child)
        this.#children[1].push(child)
      }
    }
  }

  encode(recordSize: 24 | 28 | 32): Buffer {
    const size = recordSize / 4
    const out = Buffer.alloc(this.size * size)
    for (let node = 0; node < this.size; node++) {
      const left = this.#record(this.#children[0][node]!)
      const right = this.#record(this.#children[1][node]!)
      const at = node * size
      if (recordSize === 32) {
        out.writeUInt32BE(left, at)
        out.writeUInt32BE(right, at + 4)
      } else {
        out.writeUIntBE(left % 2 ** 24, at, 3)
        out.writeUIntBE(right % 2 ** 24, at + size - 3, 3)
        if (recordSize === 28) out[at + 3] = (left >>> 24) << 4 | right >>> 24
      }
    }
    return out
  }

  #record(child: number): number {
    return child >= 0 ? child : child === -1 ? this.size : this.size + separatorSize - child - 2
  }
}

/** The records one after the other, equal ones once. */
class DataSection {
  length = 0
  readonly #chunks: Array<Buffer> = []
  readonly #offsets = new Map<string, number>()
  /** Of records that come again as the same object: they need no encoding to be known. */
  readonly #same = new Map<MmdbMap, number>()

  /** Where the record begins. */
  add(record: MmdbMap): number {
    const known = this.#same.get(record)
    if (known !== undefined) return known
    const offset = this.#addEncoded(encodeValue(record))
    this.#same.set(record, offset)
    return offset
  }

  #addEncoded(chunk: Buffer): number {
    const key = chunk.toString("latin1")
    const known = this.#offsets.get(key)
    if (known !== undefined) return known
    const offset = this.length
    this.#offsets.set(key, offset)
    this.#chunks.push(chunk)
    this.length += chunk.length
    return offset
  }

  encode(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

/** The types of the format by their numbers. */
const types = { string: 2, double: 3, uint16: 5, uint32: 6, map: 7, uint64: 9, array: 11, boolean: 14 } as const

const encodeValue = (value: MmdbValue): Buffer => {
  if (typeof value === "string") {
    const bytes = Buffer.from(value, "utf8")
    return Buffer.concat([header(types.string, bytes.length), bytes])
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([header(types.double, 8), bytes])
  }
  if (typeof value === "boolean") return header(types.boolean, value ? 1 : 0)
  if (isMap(value)) {
    const parts = [...value].flatMap(([key, item]) => [encodeValue(key), encodeValue(item)])
    return Buffer.concat([header(types.map, value.size), ...parts])
  }
  if (isUint(value)) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(value.value))
    const start = bytes.findIndex((byte) => byte !== 0)
    const significant = start < 0 ? Buffer.alloc(0) : bytes.subarray(start)
    return Buffer.concat([header(types[`uint${value.bits}`], significant.length), significant])
  }
  return Buffer.concat([header(types.array, value.length), ...value.map(encodeValue)])
}

const isMap = (value: MmdbValue): value is MmdbMap => value instanceof Map

const isUint = (value: Uint | ReadonlyArray<MmdbValue> | MmdbMap): value is Uint => "bits" in value

/** Control byte, second type byte for types above 7, and the size. */
const header = (type: number, size: number): Buffer => {
  const [code, extra] = size < 29
    ? [size, []]
    : size < 285
    ? [29, [size - 29]]
    : size < 65821
    ? [30, [(size - 285) >> 8, (size - 285) & 0xff]]
    : [31, [(size - 65821) >> 16, ((size - 65821) >> 8) & 0xff, (size - 65821) & 0xff]]
  return Buffer.from(type > 7 ? [code, type - 7, ...extra] : [type << 5 | code, ...extra])
}
