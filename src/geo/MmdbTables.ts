import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Reader, type Response } from "mmdb-lib"
import { isLocation } from "./distance.ts"
import type { Location } from "./GeoIp.ts"
import { type GeoKind, kindOf } from "./GeoKind.ts"
import { flattenTree, type FlatTree } from "./MmdbTree.ts"
import { type TextColumns, TextTableBuilder } from "./TextTable.ts"

/**
 * All that we use of a database, as columns: made in another thread, it is handed over without copying. Number 0 is the
 * record of addresses of which nothing is known.
 */
export interface MmdbTables {
  readonly kind: GeoKind
  /** Milliseconds since the epoch. */
  readonly builtAt: number
  readonly tree: FlatTree
  /** Latitude and longitude of every record; NaN where there is none. */
  readonly locations: Float64Array<ArrayBuffer>
  /** The texts of every record by their number in `texts`. */
  readonly country: Uint32Array<ArrayBuffer>
  readonly countryName: Uint32Array<ArrayBuffer>
  readonly asn: Uint32Array<ArrayBuffer>
  readonly network: Uint32Array<ArrayBuffer>
  readonly texts: TextColumns
}

/** The memory of tables: what goes to another thread with them. */
export const buffersOf = (tables: MmdbTables): ReadonlyArray<ArrayBuffer> => [
  tables.tree.places.buffer,
  tables.tree.ipv4Heads.buffer,
  tables.locations.buffer,
  tables.country.buffer,
  tables.countryName.buffer,
  tables.asn.buffer,
  tables.network.buffer,
  tables.texts.bytes.buffer,
  tables.texts.ends.buffer
]

const attempt = <A>(f: () => A): Result.Result<A, string> => {
  try {
    return Result.succeed(f())
  } catch (cause) {
    return Result.fail(cause instanceof Error ? cause.message : String(cause))
  }
}

const field = (value: unknown, name: string): unknown => Predicate.isObject(value) ? value[name] : undefined

const text = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

/** Exactly (0, 0) is how some databases write "unknown"; nobody lives there. */
const toLocation = (value: unknown): Location | undefined => {
  const latitude = field(value, "latitude")
  const longitude = field(value, "longitude")
  if (!Predicate.isNumber(latitude) || !Predicate.isNumber(longitude)) return undefined
  const location = { latitude, longitude }
  return isLocation(location) && (latitude !== 0 || longitude !== 0) ? location : undefined
}

/** The records of a database by their numbers: what we use of them, one after the other. */
class Records {
  readonly #texts = new TextTableBuilder()
  readonly #locations: Float64Array<ArrayBuffer>
  readonly #country: Uint32Array<ArrayBuffer>
  readonly #countryName: Uint32Array<ArrayBuffer>
  readonly #asn: Uint32Array<ArrayBuffer>
  readonly #network: Uint32Array<ArrayBuffer>

  constructor(length: number) {
    this.#locations = new Float64Array(2 * length).fill(Number.NaN)
    this.#country = new Uint32Array(length)
    this.#countryName = new Uint32Array(length)
    this.#asn = new Uint32Array(length)
    this.#network = new Uint32Array(length)
  }

  set(number: number, data: unknown): void {
    const location = toLocation(field(data, "location"))
    if (location !== undefined) {
      this.#locations[2 * number] = location.latitude
      this.#locations[2 * number + 1] = location.longitude
    }
    const country = field(data, "country") ?? field(data, "registered_country")
    const code = text(field(country, "iso_code"))
    this.#country[number] = this.#texts.add(code)
    this.#countryName[number] = this.#texts.add(
      code === undefined ? undefined : text(field(field(country, "names"), "en")) ?? code
    )
    const asn = field(data, "autonomous_system_number")
    this.#asn[number] = this.#texts.add(Predicate.isNumber(asn) && asn > 0 ? `AS${asn}` : undefined)
    this.#network[number] = this.#texts.add(text(field(data, "autonomous_system_organization")))
  }

  columns() {
    return {
      locations: this.#locations,
      country: this.#country,
      countryName: this.#countryName,
      asn: this.#asn,
      network: this.#network,
      texts: this.#texts.build()
    }
  }
}

const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1")
/** The metadata are in the last 128 KiB. */
const markerReach = 128 * 1024
/** Zeros between tree and data. */
const separatorSize = 16

const problemOf = (metadata: Reader<Response>["metadata"], length: number): string | undefined =>
  metadata.binaryFormatMajorVersion !== 2
    ? `its format has version ${metadata.binaryFormatMajorVersion}, known is 2`
    : metadata.ipVersion !== 4 && metadata.ipVersion !== 6
    ? `its tree is for IP version ${metadata.ipVersion}`
    : typeof metadata.databaseType !== "string"
    ? "its metadata do not say what kind it is"
    : !Number.isFinite(metadata.buildEpoch.getTime())
    ? "its metadata do not say when it was built"
    : !(Number.isInteger(metadata.nodeCount) && metadata.nodeCount > 0 &&
        metadata.searchTreeSize + separatorSize <= length)
    ? "it is cut short"
    : undefined

/**
 * Reads a MaxMind DB file that is in memory: the whole of it, so what was read can never fail later. None when it is a good
 * database of a kind that we have no use for; fails with what is wrong with it. Takes seconds for large ones.
 */
export const readMmdb = (content: Uint8Array): Result.Result<MmdbTables | undefined, string> => {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (bytes.subarray(-markerReach).lastIndexOf(marker) < 0) {
    return Result.fail("it is not a MaxMind database, or is cut short")
  }
  return Result.gen(function*() {
    // Most records share their parts, by pointers: each part is decoded once.
    const reader = yield* attempt(() => new Reader<Response>(bytes, { cache: new Map<number, any>() }))
    const { metadata } = reader
    const problem = problemOf(metadata, bytes.length)
    if (problem !== undefined) return yield* Result.fail(problem)
    const kind = kindOf(metadata.databaseType)
    if (kind === undefined) return undefined
    const pointers = new Map<number, number>()
    const tree = flattenTree(bytes, metadata, (pointer) => {
      const known = pointers.get(pointer)
      if (known !== undefined) return known
      pointers.set(pointer, pointers.size + 1)
      return pointers.size
    })
    if (tree === undefined) return yield* Result.fail(`it has ${metadata.nodeCount} nodes, more than can be held`)
    const records = new Records(pointers.size + 1)
    // Not by their addresses: there are far more of them than records.
    const decoder = reader["decoder"]
    yield* attempt(() => {
      for (const [pointer, number] of pointers) {
        // Counted from the begin of the separator.
        if (pointer < separatorSize) throw new Error("it points into the separator between tree and data")
        records.set(number, decoder.decode(metadata.searchTreeSize + pointer).value)
      }
    })
    return { kind, builtAt: metadata.buildEpoch.getTime(), tree, ...records.columns() }
  })
}
