import type { Location } from "./GeoIp.ts"

/** Mean radius of the earth in kilometres. */
export const earthRadius = 6371

/** A point on the unit sphere. */
export type UnitVector = readonly [x: number, y: number, z: number]

const radians = Math.PI / 180

/** Whether the coordinates are degrees on the globe: finite, latitude within ±90, longitude within ±180. */
export const isLocation = ({ latitude, longitude }: Location): boolean =>
  latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180

/**
 * The great-circle distance in kilometres, by the haversine formula, which is exact enough for near and for antipodal
 * points. Infinite when either is no place on the globe, so that such a place is never the nearest.
 */
export const distance = (a: Location, b: Location): number => {
  if (!isLocation(a) || !isLocation(b)) return Number.POSITIVE_INFINITY
  const half = Math.sin((b.latitude - a.latitude) * radians / 2) ** 2 +
    Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) *
      Math.sin((b.longitude - a.longitude) * radians / 2) ** 2
  return 2 * earthRadius * Math.asin(Math.min(1, Math.sqrt(half)))
}

/**
 * A place as a point on the unit sphere, undefined when it is no place on the globe. The nearer of two places has the
 * greater dot product with a third: no trigonometry is needed to choose among many.
 */
export const unitVector = (location: Location): UnitVector | undefined => {
  if (!isLocation(location)) return undefined
  const latitude = location.latitude * radians
  const longitude = location.longitude * radians
  const ring = Math.cos(latitude)
  return [ring * Math.cos(longitude), ring * Math.sin(longitude), Math.sin(latitude)]
}

/** The dot product of two unit vectors that are `kilometres` apart; -1 for half the globe and more. */
export const dotAt = (kilometres: number): number => Math.cos(Math.min(kilometres / earthRadius, Math.PI))

/** The distance in kilometres between two unit vectors with this dot product. */
export const arcOf = (dot: number): number => earthRadius * Math.acos(Math.max(-1, Math.min(1, dot)))
