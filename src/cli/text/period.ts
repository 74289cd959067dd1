import * as Option from "effect/Option"

/** A period of whole UTC days, both inclusive, `YYYY-MM-DD`. */
export interface Period {
  readonly from: string
  readonly to: string
}

const dayMillis = 86_400_000

/** How a period is written, for the help. */
export const dayForms = "2026-04-21, or a month as 2026-04"

const isDay = (text: string): boolean => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // The 31st of a shorter month reads as the 1st of the next.
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text)
}

const dayAt = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** Reads a day, or a month as its first and last day. */
export const readDays = (text: string): Option.Option<Period> => {
  if (isDay(text)) return Option.some({ from: text, to: text })
  if (!/^\d{4}-\d{2}$/.test(text) || !isDay(`${text}-01`)) return Option.none()
  const [year, month] = text.split("-").map(Number) as [number, number]
  return Option.some({ from: `${text}-01`, to: dayAt(Date.UTC(year, month, 0)) })
}

/** The period from `from` to `to`, each a day or a month; when missing from `days - 1` days before the end, and to today. */
export const periodOf = (
  from: Option.Option<Period>,
  to: Option.Option<Period>,
  now: number,
  days: number
): Period => {
  const last = Option.match(to, {
    onSome: (end) => end.to,
    // A month alone means all of it.
    onNone: () =>
      Option.match(from, {
        onSome: (start) => start.from === start.to ? dayAt(now) : start.to,
        onNone: () => dayAt(now)
      })
  })
  return {
    from: Option.match(from, {
      onSome: (start) => start.from,
      onNone: () => dayAt(Date.parse(`${last}T00:00:00Z`) - (days - 1) * dayMillis)
    }),
    to: last
  }
}

/** The first millisecond of a period, and the first after it. */
export const boundsOf = ({ from, to }: Period): { readonly from: number; readonly to: number } => ({
  from: Date.parse(`${from}T00:00:00Z`),
  to: Date.parse(`${to}T00:00:00Z`) + dayMillis
})
