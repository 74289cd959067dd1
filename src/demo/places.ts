import type { GeoEntry } from "../geo/GeoEntry.ts"
import type { Location } from "../geo/GeoIp.ts"

const network = (
  cidr: string,
  city: string,
  country: string,
  countryName: string,
  latitude: number,
  longitude: number,
  asn: number,
  organization: string
): GeoEntry => ({ cidr, city, country, countryName, location: { latitude, longitude }, asn, organization })

/**
 * Networks for documentation and benchmarks (RFC 5737, 2544, 3849), put in different places of the world. The numbers of
 * their autonomous systems are for documentation too (RFC 5398).
 */
export const demoNetworks: ReadonlyArray<GeoEntry> = [
  network("203.0.113.0/24", "Osaka", "JP", "Japan", 34.6937, 135.5023, 64496, "Example Kansai"),
  network("198.51.100.0/24", "Berlin", "DE", "Germany", 52.52, 13.405, 64497, "Example Berlin"),
  network("192.0.2.0/24", "Chicago", "US", "United States", 41.8781, -87.6298, 64498, "Example Lakes"),
  network("198.18.0.0/24", "Buenos Aires", "AR", "Argentina", -34.6037, -58.3816, 64499, "Example Plata"),
  network("198.18.1.0/24", "Auckland", "NZ", "New Zealand", -36.8509, 174.7645, 64500, "Example Hauraki"),
  network("2001:db8:81::/48", "Osaka", "JP", "Japan", 34.6937, 135.5023, 64496, "Example Kansai"),
  network("2001:db8:49::/48", "Berlin", "DE", "Germany", 52.52, 13.405, 64497, "Example Berlin")
]

/** One member of the demo, with the loopback address that it listens on. */
export interface DemoMemberPlace {
  readonly key: string
  readonly name: string
  readonly city: string
  readonly region: string
  readonly address: string
  readonly location: Location
}

const member = (
  key: string,
  name: string,
  city: string,
  region: string,
  address: string,
  latitude: number,
  longitude: number
): DemoMemberPlace => ({ key, name, city, region, address, location: { latitude, longitude } })

/** The members. A probe dials the member's address, so each has one of its own. */
export const demoMembers: ReadonlyArray<DemoMemberPlace> = [
  member("Fuji", "Fuji Hosting", "Tokyo", "Asia", "127.0.1.1", 35.6762, 139.6503),
  member("Rhine", "Rhine Networks", "Frankfurt", "Europe", "127.0.1.2", 50.1109, 8.6821),
  member("Potomac", "Potomac Works", "Ashburn", "North America", "127.0.1.3", 39.0438, -77.4874),
  member("Pampa", "Pampa Cloud", "Sao Paulo", "South America", "127.0.1.4", -23.5505, -46.6333),
  member("Tasman", "Tasman Sea Hosting", "Sydney", "Oceania", "127.0.1.5", -33.8688, 151.2093)
]
