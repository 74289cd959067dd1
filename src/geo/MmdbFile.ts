import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Reader, type Response } from "mmdb-lib"
import { formatIpv4 } from "./address.ts"
import { isLocation } from "./distance.ts"
import type { Location } from "./GeoIp.ts"
import { MmdbTree } from "./MmdbTree.ts"

/** What a database is asked for. */
export type GeoKind = "City" | "Country" | "ASN"

/** The fields of one record that we use; undefined where the record has none. */
export interface GeoRecord {
  readonly location: Location | undefined
  readonly country: string | undefined
  readonly countryName: string | undefined
  readonly asn: string | undefined
  readonly network: string | undefined
}

/** What a miss gives. */
export const emptyRecord: GeoRecord = {
  location: undefined,
  country: undefined,
  countryName: undefined,
  asn: undefined,
  network: undefined
}

/** Decoded records that are kept; a City database has some ten thousands to a few hundred thousand different ones. */
const cacheLimit = 250_000

/** One open database. */
export class MmdbFile {
  readonly kind: GeoKind
  /** Milliseconds since the epoch. */
  readonly builtAt: number
  readonly tree: MmdbTree
  readonly #reader: Reader<Response>
  readonly #records = new Map<number, GeoRecord>()

  constructor(kind: GeoKind, bytes: Uint8Array, reader: Reader<Response>) {
    this.kind = kind
    this.builtAt = reader.metadata.buildEpoch.getTime()
    this.tree = new MmdbTree(bytes, reader.metadata)
    this.#reader = reader
  }

  /**
   * The record of an address, as `readAddress` left it in `words`; `text` is the same address as it was written.
   * `tree.depth` is the length of its prefix afterwards. A record that cannot be decoded counts as a miss.
   */
  find(family: 4 | 6, words: Uint32Array, text: string): GeoRecord {
    const pointer = this.tree.find(family, words)
    if (pointer === 0) return emptyRecord
    const known = this.#records.get(pointer)
    if (known !== undefined) return known
    const decoded = decode(this.#reader, family === 4 ? formatIpv4(words[0]!) : text)
    const record = Result.isSuccess(decoded) ? toRecord(decoded.success) : emptyRecord
    if (this.#records.size >= cacheLimit) this.#records.clear()
    this.#records.set(pointer, record)
    return record
  }
}

const decode = (reader: Reader<Response>, address: string): Result.Result<unknown, string> =>
  attempt(() => reader.get(address))

const attempt = <A>(f: () => A): Result.Result<A, string> => {
  try {
    return Result.succeed(f())
  } catch (cause) {
    return Result.fail(cause instanceof Error ? cause.message : String(cause))
  }
}

const field = (value: unknown, name: string): unknown => Predicate.isObject(value) ? value[name] : undefined

const text = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

const toRecord = (data: unknown): GeoRecord => {
  const country = field(data, "country") ?? field(data, "registered_country")
  const code = text(field(country, "iso_code"))
  const asn = field(data, "autonomous_system_number")
  return {
    location: toLocation(field(data, "location")),
    country: code,
    countryName: code === undefined ? undefined : text(field(field(country, "names"), "en")) ?? code,
    asn: Predicate.isNumber(asn) && asn > 0 ? `AS${asn}` : undefined,
    network: text(field(data, "autonomous_system_organization"))
  }
}

/** Exactly (0, 0) is how some databases write "unknown"; nobody lives there. */
const toLocation = (value: unknown): Location | undefined => {
  const latitude = field(value, "latitude")
  const longitude = field(value, "longitude")
  if (!Predicate.isNumber(latitude) || !Predicate.isNumber(longitude)) return undefined
  const location = { latitude, longitude }
  return isLocation(location) && (latitude !== 0 || longitude !== 0) ? location : undefined
}

/** `DBIP-ASN-Lite (compat=GeoLite2-ASN)` says itself whose format it has. */
const kindOf = (databaseType: string): GeoKind | undefined => {
  const name = /compat=([\w-]+)/.exec(databaseType)?.[1] ?? databaseType
  return /city|enterprise|location/i.test(name)
    ? "City"
    : /country/i.test(name)
    ? "Country"
    : /asn|isp/i.test(name)
    ? "ASN"
    : undefined
}

const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1")
/** The metadata are in the last 128 KiB. */
const markerReach = 128 * 1024

const problemOf = (metadata: Reader<Response>["metadata"], length: number): string | undefined =>
  metadata.binaryFormatMajorVersion !== 2
    ? `its format has version ${metadata.binaryFormatMajorVersion}, known is 2`
    : metadata.ipVersion !== 4 && metadata.ipVersion !== 6
    ? `its tree is for IP version ${metadata.ipVersion}`
    : typeof metadata.databaseType !== "string"
    ? "its metadata do not say what kind it is"
    : !Number.isFinite(metadata.buildEpoch.getTime())
    ? "its metadata do not say when it was built"
    : !(metadata.nodeCount > 0 && metadata.searchTreeSize + 16 <= length)
    ? "it is cut short"
    : undefined

/**
 * Opens a MaxMind DB file that is in memory. None when it is a good database of a kind that we have no use for; fails
 * with what is wrong with it.
 */
export const openMmdb = (content: Uint8Array): Result.Result<MmdbFile | undefined, string> => {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (bytes.subarray(-markerReach).lastIndexOf(marker) < 0) {
    return Result.fail("it is not a MaxMind database, or is cut short")
  }
  return Result.gen(function*() {
    const reader = yield* attempt(() => new Reader<Response>(bytes))
    const problem = problemOf(reader.metadata, bytes.length)
    if (problem !== undefined) return yield* Result.fail(problem)
    for (let octet = 0; octet < 256; octet++) yield* decode(reader, `${octet}.0.0.0`)
    const kind = kindOf(reader.metadata.databaseType)
    return kind === undefined ? undefined : new MmdbFile(kind, bytes, reader)
  })
}
