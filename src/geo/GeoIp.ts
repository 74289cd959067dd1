import * as Context from "effect/Context"

/** Degrees. */
export interface Location {
  readonly latitude: number
  readonly longitude: number
}

/** What is known of an address. Unknown is said, never (0, 0). */
export interface Place {
  readonly location: Location | undefined
  /** ISO code, `??` when unknown. */
  readonly country: string
  /** `Unknown` when unknown. */
  readonly countryName: string
  /** As `AS13335`, `""` when unknown. */
  readonly asn: string
  /** The name of the network, `""` when unknown. */
  readonly network: string
  /**
   * The longest prefix among the database leaves used (misses included), capped at 24 bits for IPv4 and 56 for IPv6: all
   * addresses under it are in this place. 0 when no database was used.
   */
  readonly prefix: number
}

/** One database file in use. */
export interface GeoDatabase {
  readonly file: string
  /** `City`, `Country` or `ASN`. */
  readonly kind: string
  /** Milliseconds since the epoch, from the file's metadata. */
  readonly builtAt: number
}

/** Where addresses are, from MaxMind-format files. Any subset of them works; what is missing is a condition. */
export class GeoIp extends Context.Service<GeoIp, {
  /** Synchronous, for the hot path. Malformed, private and missing addresses are unknown places. */
  readonly locate: (address: string) => Place
  readonly databases: ReadonlyArray<GeoDatabase>
}>()("effect-geodns/geo/GeoIp") {}
