import * as Result from "effect/Result"
import type { Location } from "./GeoIp.ts"
import type { GeoKind } from "./GeoKind.ts"
import { type MmdbTables, readMmdb } from "./MmdbTables.ts"
import { MmdbTree } from "./MmdbTree.ts"
import { TextTable } from "./TextTable.ts"

/** What is known of the addresses of a network; undefined where the database says nothing. */
export interface GeoRecord {
  readonly location: Location | undefined
  /** ISO code. */
  readonly country: string | undefined
  readonly countryName: string | undefined
  /** As `AS13335`. */
  readonly asn: string | undefined
  /** The name of the network. */
  readonly network: string | undefined
}

/** One open database. Its records have numbers, which `tree` finds; of 0 nothing is known. */
export class MmdbFile {
  readonly kind: GeoKind
  /** Milliseconds since the epoch. */
  readonly builtAt: number
  readonly tree: MmdbTree
  readonly #tables: MmdbTables
  readonly #texts: TextTable
  readonly #records: Array<GeoRecord | undefined>

  constructor(tables: MmdbTables) {
    this.kind = tables.kind
    this.builtAt = tables.builtAt
    this.tree = new MmdbTree(tables.tree)
    this.#tables = tables
    this.#texts = new TextTable(tables.texts)
    this.#records = new Array<GeoRecord | undefined>(tables.country.length).fill(undefined)
  }

  /** How many different records there are. */
  get size(): number {
    return this.#records.length - 1
  }

  /** A record by its number. Made when it is asked for first, and kept. */
  record(number: number): GeoRecord {
    return this.#records[number] ??= this.#make(number)
  }

  #make(number: number): GeoRecord {
    const { asn, country, countryName, locations, network } = this.#tables
    const latitude = locations[2 * number]!
    return {
      location: Number.isNaN(latitude) ? undefined : { latitude, longitude: locations[2 * number + 1]! },
      country: this.#texts.get(country[number]!),
      countryName: this.#texts.get(countryName[number]!),
      asn: this.#texts.get(asn[number]!),
      network: this.#texts.get(network[number]!)
    }
  }
}

/**
 * Opens a MaxMind DB file that is in memory, on this thread. None when it is a good database of a kind that we have no use
 * for; fails with what is wrong with it.
 */
export const openMmdb = (content: Uint8Array): Result.Result<MmdbFile | undefined, string> =>
  Result.map(readMmdb(content), (tables) => tables === undefined ? undefined : new MmdbFile(tables))
