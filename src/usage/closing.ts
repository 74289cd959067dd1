const dayMillis = 86_400_000

/** A day is open for 48 hours after its end: what is stored later, of what is complete, is a correction. */
const openFor = 2 * dayMillis

/** When a day ends, in milliseconds since the epoch. */
export const endOf = (day: string): number => Date.parse(day) + dayMillis

/** Whether the figures of a day may be used as they are: its end is 48 hours ago. */
export const isClosed = (day: string, now: number): boolean => now >= endOf(day) + openFor
