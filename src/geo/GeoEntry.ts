import type * as Result from "effect/Result"
import type { Location } from "./GeoIp.ts"
import type { GeoKind } from "./GeoKind.ts"
import { type BadNetwork, fields, type MmdbMap, uint, writeMmdb } from "./MmdbWriter.ts"

/** What is known of a network. */
export interface GeoEntry {
  /** E.g. `203.0.113.0/24`; no bits set behind the prefix. */
  readonly cidr: string
  readonly location?: Location
  readonly city?: string
  /** ISO code. */
  readonly country?: string
  readonly countryName?: string
  /** Number of the autonomous system. */
  readonly asn?: number
  readonly organization?: string
}

/**
 * Writes a database of one kind from the entries that have something to say in it, in the shape of MaxMind's own. Of two
 * networks that overlap the more specific wins. `builtAt` in milliseconds since the epoch.
 */
export const writeDatabase = (
  kind: GeoKind,
  entries: ReadonlyArray<GeoEntry>,
  builtAt: number
): Result.Result<Uint8Array, BadNetwork> =>
  writeMmdb({
    databaseType: `GeoLite2-${kind}`,
    description: "Invented networks for demos and tests",
    builtAt,
    entries: entries.flatMap((entry) => {
      const record = recordOf(kind, entry)
      return record.size === 0 ? [] : [{ network: entry.cidr, record }]
    })
  })

const recordOf = (kind: GeoKind, entry: GeoEntry): MmdbMap => {
  if (kind === "ASN") {
    return fields({
      autonomous_system_number: entry.asn === undefined ? undefined : uint(32, entry.asn),
      autonomous_system_organization: entry.organization
    })
  }
  const country = entry.country === undefined ? undefined : fields({
    iso_code: entry.country,
    names: fields({ en: entry.countryName ?? entry.country })
  })
  return kind === "Country" ? fields({ country }) : fields({
    city: entry.city === undefined ? undefined : fields({ names: fields({ en: entry.city }) }),
    country,
    location: entry.location === undefined
      ? undefined
      : fields({ latitude: entry.location.latitude, longitude: entry.location.longitude })
  })
}
