/** Go's zero time: "none" on the wire. */
const none = "0001-01-01T00:00:00Z"

const inRange = (millis: number): boolean => Math.abs(millis) <= 8.64e15

/** A time in milliseconds since the epoch as RFC 3339, UTC, with milliseconds. What is no time is Go's zero time. */
export const rfc3339 = (millis: number): string => inRange(millis) ? new Date(millis).toISOString() : none

/** The same in whole seconds: what Go's `time.RFC3339` writes. */
export const rfc3339Seconds = (millis: number): string =>
  inRange(millis) ? `${new Date(millis).toISOString().slice(0, -5)}Z` : none
