import type { Catalog, MemberEntry } from "../domain/Catalog.ts"
import type { Outage } from "../domain/Outage.ts"
import { distance } from "../geo/distance.ts"
import type { Place } from "../geo/GeoIp.ts"

/** When outages are one storm. */
export interface StormRules {
  /** The time between the first and the last that open, in milliseconds; 0 for no storms. */
  readonly window: number
  /** Members that are at most so many kilometres apart are near. */
  readonly radius: number
  readonly catalog: Catalog
  /** Where an address is: its country and its network. Undefined where nothing tells. */
  readonly locate: ((address: string) => Place) | undefined
}

const placesOf = ({ member: { Service } }: MemberEntry, locate: (address: string) => Place): ReadonlyArray<Place> =>
  [Service.ServiceIPv4, Service.ServiceIPv6].filter((address) => address !== "").map(locate)

/** Where a member is. Who says 0/0 says nothing, and is near nobody. */
const location = ({ member: { Location: { Latitude, Longitude } } }: MemberEntry) =>
  Latitude === 0 && Longitude === 0
    ? { latitude: Number.NaN, longitude: Number.NaN }
    : { latitude: Latitude, longitude: Longitude }

const country = (place: Place): string => place.country === "??" ? "" : place.country

const share = (a: ReadonlyArray<Place>, b: ReadonlyArray<Place>, of: (place: Place) => string): boolean =>
  a.some((one) => of(one) !== "" && b.some((other) => of(other) === of(one)))

/**
 * Whether an outage belongs into the thread that `lead` began: they open within the window, and are of one member, or of
 * members in one country, in one network (ASN), or near each other.
 */
export const belongsIn =
  ({ catalog, locate, radius, window }: StormRules) => (lead: Outage, outage: Outage): boolean => {
    if (window <= 0 || Math.abs(outage.start - lead.start) > window) return false
    if (lead.target.member === outage.target.member) return true
    const [a, b] = [catalog.member(lead.target.member), catalog.member(outage.target.member)]
    if (a === undefined || b === undefined) return false
    if (distance(location(a), location(b)) <= radius) return true
    if (locate === undefined) return false
    const [here, there] = [placesOf(a, locate), placesOf(b, locate)]
    return share(here, there, country) || share(here, there, (place) => place.asn)
  }
