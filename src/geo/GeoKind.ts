/** What a database is asked for. */
export type GeoKind = "City" | "Country" | "ASN"

/**
 * The kind of a database by its type, or by the name of its edition. `DBIP-ASN-Lite (compat=GeoLite2-ASN)` says itself
 * whose format it has. Undefined for those that we have no use for.
 */
export const kindOf = (databaseType: string): GeoKind | undefined => {
  const name = /compat=([\w-]+)/.exec(databaseType)?.[1] ?? databaseType
  return /city|enterprise|location/i.test(name)
    ? "City"
    : /country/i.test(name)
    ? "Country"
    : /asn|isp/i.test(name)
    ? "ASN"
    : undefined
}
