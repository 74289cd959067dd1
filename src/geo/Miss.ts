import type { Place } from "./GeoIp.ts"
import type { GeoKind } from "./GeoKind.ts"

/** Why something about an address is not known. */
export type Miss =
  /** It is no IP address. */
  | { readonly _tag: "Malformed" }
  /** It is private, shared, loopback, link-local, multicast or reserved: no database is asked where that is. */
  | { readonly _tag: "Placeless" }
  /** The database that would say so is not there. */
  | { readonly _tag: "NoDatabase"; readonly database: GeoKind }
  /** The database has no addresses of this family. */
  | { readonly _tag: "NoFamily"; readonly database: GeoKind }
  /** The database has nothing about the address. */
  | { readonly _tag: "NotFound"; readonly database: GeoKind }
  /** The database knows the address, and does not say this of it. */
  | { readonly _tag: "NotSaid"; readonly database: GeoKind }

/** What is not known of an address, and why: what is known is left out. */
export interface Misses {
  readonly location?: Miss
  readonly country?: Miss
  readonly asn?: Miss
}

/** A place, and how it came about. */
export interface Examined {
  readonly place: Place
  /** Bits of the longest leaf of the databases that were asked, whatever `place.prefix` is capped at; 0 when none was. */
  readonly leaf: number
  readonly misses: Misses
}

/** For people: `not in the City database`. */
export const describeMiss = (miss: Miss): string => {
  switch (miss._tag) {
    case "Malformed":
      return "no IP address"
    case "Placeless":
      return "private or reserved"
    case "NoDatabase":
      return `no ${miss.database} database`
    case "NoFamily":
      return `no IPv6 in the ${miss.database} database`
    case "NotFound":
      return `not in the ${miss.database} database`
    case "NotSaid":
      return `not said by the ${miss.database} database`
  }
}
