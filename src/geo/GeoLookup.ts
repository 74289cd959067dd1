import { isPlaceless, readAddress, uniformPrefix } from "./address.ts"
import type { Place } from "./GeoIp.ts"
import type { GeoKind } from "./GeoKind.ts"
import type { Examined, Miss } from "./Miss.ts"
import type { GeoRecord, MmdbFile } from "./MmdbFile.ts"

/** The longest prefix that a place is said to hold for: what resolvers cache an answer for (RFC 7871, section 11.1). */
export const scopeCap = { ipv4: 24, ipv6: 56 } as const

/** What is said of an address of which nothing is known. */
export const unknownPlace: Place = {
  location: undefined,
  country: "??",
  countryName: "Unknown",
  asn: "",
  network: "",
  prefix: 0
}

/** Looks addresses up in at most one database of each kind. */
export class GeoLookup {
  readonly #city: MmdbFile | undefined
  readonly #country: MmdbFile | undefined
  readonly #asn: MmdbFile | undefined
  readonly #words = new Uint32Array(4)

  constructor(files: Iterable<MmdbFile>) {
    for (const file of files) {
      if (file.kind === "City") this.#city = file
      else if (file.kind === "Country") this.#country = file
      else this.#asn = file
    }
  }

  locate(address: string): Place {
    const words = this.#words
    const family = readAddress(address, words)
    if (family === 0 || isPlaceless(family, words)) return unknownPlace
    let prefix = 0
    let city: GeoRecord | undefined
    if (this.#city?.tree.has(family)) {
      city = this.#city.record(this.#city.tree.find(family, words))
      prefix = this.#city.tree.depth
    }
    // A City database holds the countries too: the other is asked only where that has none.
    let country = city
    if (city?.country === undefined && this.#country?.tree.has(family)) {
      country = this.#country.record(this.#country.tree.find(family, words))
      prefix = Math.max(prefix, this.#country.tree.depth)
    }
    let asn: GeoRecord | undefined
    if (this.#asn?.tree.has(family)) {
      asn = this.#asn.record(this.#asn.tree.find(family, words))
      prefix = Math.max(prefix, this.#asn.tree.depth)
    }
    // A large leaf may hold private addresses too, of which nothing is known: in IPv4, one of less than 16 bits.
    if (prefix > 0 && (family === 6 || prefix < 16)) prefix = Math.max(prefix, uniformPrefix(family, words))
    return {
      location: city?.location,
      country: country?.country ?? "??",
      countryName: country?.countryName ?? "Unknown",
      asn: asn?.asn ?? "",
      network: asn?.network ?? "",
      prefix: Math.min(prefix, family === 4 ? scopeCap.ipv4 : scopeCap.ipv6)
    }
  }
  /** The same with the reasons, for people: not for the hot path. */
  examine(address: string): Examined {
    const place = this.locate(address)
    const words = this.#words
    const family = readAddress(address, words)
    if (family === 0 || isPlaceless(family, words)) {
      const miss: Miss = { _tag: family === 0 ? "Malformed" : "Placeless" }
      return { place, leaf: 0, misses: { location: miss, country: miss, asn: miss } }
    }
    const inCity = this.#city?.tree.has(family) ? this.#city.record(this.#city.tree.find(family, words)) : undefined
    const asked = [this.#city, inCity?.country === undefined ? this.#country : undefined, this.#asn]
    const leaf = Math.max(...asked.map((file) => leafOf(file, family, words)))
    const missOf = (database: GeoKind, file: MmdbFile | undefined): Miss =>
      file === undefined
        ? { _tag: "NoDatabase", database }
        : !file.tree.has(family)
        ? { _tag: "NoFamily", database }
        : { _tag: file.tree.find(family, words) === 0 ? "NotFound" : "NotSaid", database }
    return {
      place,
      leaf,
      misses: {
        ...place.location === undefined && { location: missOf("City", this.#city) },
        ...place.country === unknownPlace.country && {
          country: this.#country === undefined ? missOf("City", this.#city) : missOf("Country", this.#country)
        },
        ...place.asn === "" && { asn: missOf("ASN", this.#asn) }
      }
    }
  }
}

/** Bits of the leaf that an address is in; 0 where there is none. */
const leafOf = (file: MmdbFile | undefined, family: 4 | 6, words: Uint32Array): number => {
  if (!file?.tree.has(family)) return 0
  file.tree.find(family, words)
  return file.tree.depth
}
