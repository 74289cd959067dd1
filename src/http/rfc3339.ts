/** Go's zero time: "none" on the wire. */
const none = "0001-01-01T00:00:00Z"

const inRange = (millis: number): boolean => Math.abs(millis) <= 8.64e15

/** A time in milliseconds since the epoch as RFC 3339, UTC, with milliseconds. What is no time is Go's zero time. */
export const rfc3339 = (millis: number): string => inRange(millis) ? new Date(millis).toISOString() : none

/** The same in whole seconds: what Go's `time.RFC3339` writes. */
export const rfc3339Seconds = (millis: number): string =>
  inRange(millis) ? `${new Date(millis).toISOString().slice(0, -5)}Z` : none

const form = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|[+-](\d\d):(\d\d))$/

/** Reads a time in RFC 3339, with its zone. Milliseconds since the epoch; undefined when it is none, as on 30 February. */
export const readTime = (text: string): number | undefined => {
  const parts = form.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zoneHour = 0, zoneMinute = 0] = parts.slice(1)
    .map((part) => Number(part ?? 0))
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  // A leap second is not told from the one before.
  return exists && hour < 24 && minute < 60 && second < 60 && zoneHour < 24 && zoneMinute < 60
    ? Date.parse(text.toUpperCase())
    : undefined
}
