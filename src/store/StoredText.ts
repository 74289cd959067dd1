import * as Option from "effect/Option"

const nul = /\0/g

/**
 * Text as every database gives it back: a NUL, at which some readers stop, and half of a surrogate pair, which UTF-8
 * cannot hold, become U+FFFD.
 */
export const storedText = (text: string): string => text.toWellFormed().replace(nul, "\ufffd")

/** Texts that differ only in spaces at their end are the same for MySQL, so no key has any. */
export const unpadded = (text: string): string => text.endsWith(" ") ? text.replace(/ +$/, "") : text

/** {@link storedText} of what is looked up, such as an id: without spaces at its end in every database. */
export const storedKey = (text: string): string => unpadded(storedText(text))

/** {@link storedText}, cut to so many characters, for columns that people read and nothing relies on. */
export const fitText = (text: string, width: number): string => {
  const stored = storedText(text)
  return stored.length <= width ? stored : [...stored].slice(0, width).join("")
}

/** Orders texts as a binary column does, by code point: UTF-16 units would put U+FFFD behind an emoji. */
export const compareStored = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

/** The first and the last millisecond that a database column of every kind can hold. */
const minTime = Date.parse("0001-01-01T00:00:00.000Z")
const maxTime = Date.parse("9999-12-31T23:59:59.999Z")

const format = (millis: number): string => new Date(millis).toISOString().replace("T", " ").slice(0, -1)

/**
 * A time in milliseconds since the epoch as it is stored: `2026-11-21 07:30:00.123`, in UTC. None when no column holds it.
 *
 * Text and not a number, because SQLite's own functions and people with a shell read it, MySQL takes the same text for
 * a `DATETIME(3)`, and it sorts by time.
 */
export const timeToText = (millis: number): Option.Option<string> =>
  millis >= minTime && millis <= maxTime ? Option.some(format(millis)) : Option.none()

/** A bound of a period: as {@link timeToText}, with what lies outside moved to the edge. */
export const boundToText = (millis: number): string => format(Math.min(Math.max(millis, minTime), maxTime))

/** The reverse of {@link timeToText}; `NaN` when the text is no such time. */
export const timeFromText = (text: string): number => Date.parse(`${text.replace(" ", "T")}Z`)
