import type { Slices } from "../domain/Slices.ts"
import { maxDepth } from "./jsonSyntax.ts"

/** UTF-16 units of a document that are read before others have their turn: about a millisecond. */
const usualPart = 65_536

const quote = 0x22
const comma = 0x2c

/**
 * What `JSON.parse` gives for the text of an object, read a few entries at a time. Undefined when the text is something
 * else, is nested too deeply, or is no JSON.
 */
export const readInParts = function*(
  text: string,
  partLength = usualPart
): Slices<Readonly<Record<string, unknown>> | undefined> {
  const start = /^[ \t\n\r]*\{/.exec(text)?.[0].length
  if (start === undefined) return undefined
  const entries: Array<[string, unknown]> = []
  let from = start
  let depth = 1
  let at = start
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === quote) {
      at = endOfString(text, at)
      if (at < 0) return undefined
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) return undefined
    } else if (c === 0x7d || c === 0x5d) {
      if (--depth === 0) break
    } else if (c === comma && depth === 1 && at - from >= partLength) {
      const part = entriesIn(text.slice(from, at))
      if (part === undefined) return undefined
      for (const entry of part) entries.push(entry)
      from = at + 1
      yield
    }
  }
  if (text[at] !== "}" || !isBlank(text.slice(at + 1))) return undefined
  const last = text.slice(from, at)
  if (entries.length === 0 && isBlank(last)) return {}
  const part = entriesIn(last)
  // Not by assignment: a key may be `__proto__`.
  return part === undefined ? undefined : Object.fromEntries([...entries, ...part])
}

const isBlank = (text: string): boolean => /^[ \t\n\r]*$/.test(text)

/** Where the string ends that begins at an offset; -1 when it does not. */
const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === "\\") escapes++
    if (escapes % 2 === 0) return end
  }
  return -1
}

/** One or more entries of an object; undefined when they are none. */
const entriesIn = (text: string): ReadonlyArray<[string, unknown]> | undefined => {
  try {
    const entries = Object.entries(JSON.parse(`{${text}}`) as Readonly<Record<string, unknown>>)
    return entries.length === 0 ? undefined : entries
  } catch {
    return undefined
  }
}
