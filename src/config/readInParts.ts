import type { Slices } from "../domain/Slices.ts"
import { maxDepth } from "./jsonSyntax.ts"

/** UTF-16 units of a document that are read before others have their turn: about a millisecond. */
const usualPart = 65_536

const quote = 0x22
const comma = 0x2c

/**
 * What `JSON.parse` gives for the text of an object or a list, read a few entries at a time. Undefined when the text is
 * something else, is nested too deeply, or is no JSON.
 */
export const readInParts = function*(text: string, partLength = usualPart): Slices<object | undefined> {
  const start = /^[ \t\n\r]*[{[]/.exec(text)?.[0].length
  if (start === undefined) return undefined
  const isList = text[start - 1] === "["
  const partOf = isList ? itemsIn : entriesIn
  const entries: Array<unknown> = []
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
      const part = partOf(text.slice(from, at))
      if (part === undefined) return undefined
      for (const entry of part) entries.push(entry)
      from = at + 1
      yield
    }
  }
  if (text[at] !== (isList ? "]" : "}") || !isBlank(text.slice(at + 1))) return undefined
  const last = text.slice(from, at)
  if (entries.length === 0 && isBlank(last)) return isList ? [] : {}
  const part = partOf(last)
  if (part === undefined) return undefined
  for (const entry of part) entries.push(entry)
  // Not by assignment: a key may be `__proto__`.
  return isList ? entries : Object.fromEntries(entries as Array<[string, unknown]>)
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

type Part = ReadonlyArray<unknown> | undefined

/** One or more; none are as good as what is no JSON: a comma stands before or after them. */
const partOfJson = (json: string, entriesOf: (value: never) => ReadonlyArray<unknown>): Part => {
  try {
    const entries = entriesOf(JSON.parse(json) as never)
    return entries.length === 0 ? undefined : entries
  } catch {
    return undefined
  }
}

/** Entries of an object; undefined when they are none. */
const entriesIn = (text: string): Part => partOfJson(`{${text}}`, Object.entries)

/** Items of a list; undefined when they are none. */
const itemsIn = (text: string): Part => partOfJson(`[${text}]`, (items: ReadonlyArray<unknown>) => items)
