import type { Place } from "../geo/GeoIp.ts"

/** One DNS answer. */
export interface Hit {
  readonly domain: string
  /** `(none)` when the answer held no member's address. */
  readonly member: string
  readonly place: Place
  readonly ipv6: boolean
}
