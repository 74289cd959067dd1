import * as Option from "effect/Option"

/** A time as an operator writes it: a point in time, or so long from now. Milliseconds. */
export type Moment =
  | { readonly _tag: "At"; readonly at: number }
  | { readonly _tag: "Span"; readonly millis: number }

/** How a time is written: for the help, and for what was not understood. */
export const momentForms = '2026-05-01T06:00:00Z, "2026-05-01 06:00" (UTC), or a span as 90m, 2h, 3d, 1d12h'

const units: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

/** A longer span is a slip of the hand: ten years. */
const longest = 10 * 366 * units["d"]!

/** Reads `90m`, `2h`, `1d12h`, with or without a `+`. Milliseconds, more than 0. */
export const readSpan = (text: string): Option.Option<number> => {
  const span = text.trim().replace(/^\+/, "")
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?\s*(?:min|[smhdw])\s*)+$/.test(span)) return Option.none()
  const millis = [...span.matchAll(/(\d+(?:\.\d+)?)\s*(min|[smhdw])/g)]
    .reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
  return millis > 0 && millis <= longest ? Option.some(Math.round(millis)) : Option.none()
}

const point =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(?:([Zz]|UTC)|([+-])(\d{2}):(\d{2}))?)?$/

/** Reads RFC 3339, `YYYY-MM-DD HH:MM` and `YYYY-MM-DD`. Without a zone it is UTC. */
const readPoint = (text: string): Option.Option<number> => {
  const parts = point.exec(text.trim())
  if (parts === null) return Option.none()
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const local = Date.UTC(
    year,
    month - 1,
    day,
    hour,
    minute,
    second,
    Number((parts[7] ?? "").slice(0, 3).padEnd(3, "0"))
  )
  const read = new Date(local)
  const real = hour <= 23 && minute <= 59 && second <= 59 && read.getUTCMonth() === month - 1 &&
    read.getUTCDate() === day && read.getUTCFullYear() === year
  const offsetHours = Number(parts[10] ?? 0)
  const offsetMinutes = Number(parts[11] ?? 0)
  if (!real || offsetHours > 23 || offsetMinutes > 59) return Option.none()
  const offset = (offsetHours * 60 + offsetMinutes) * units["m"]!
  return Option.some(parts[9] === "-" ? local + offset : local - offset)
}

/** Reads a time as an operator writes it. */
export const readMoment = (text: string): Option.Option<Moment> =>
  text.trim() === "now"
    ? Option.some({ _tag: "Span", millis: 0 })
    : Option.orElse(
      Option.map(readSpan(text), (millis): Moment => ({ _tag: "Span", millis })),
      () => Option.map(readPoint(text), (at): Moment => ({ _tag: "At", at }))
    )

/** The point in time, where a span lies ahead. */
export const momentAhead = (moment: Moment, now: number): number =>
  moment._tag === "At" ? moment.at : now + moment.millis

/** The point in time, where a span lies behind. */
export const momentBehind = (moment: Moment, now: number): number =>
  moment._tag === "At" ? moment.at : now - moment.millis
