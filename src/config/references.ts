import { isHttp } from "./location.ts"

/** What a value of the local document stands for. */
export type Reference =
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  /** Text and variables in turn; `$${` is already `${`. */
  | { readonly kind: "template"; readonly parts: ReadonlyArray<string | { readonly variable: string }> }
  /** `${` that begins no name of a variable. */
  | { readonly kind: "malformed" }

/** Reads a value: `${NAME}` anywhere, `file:` at its beginning, `$${` for `${` itself. */
export const readReference = (text: string): Reference => {
  if (text.startsWith("file:")) return { kind: "file", path: filePath(text) }
  if (!text.includes("${")) return { kind: "plain", text }
  const parts: Array<string | { readonly variable: string }> = []
  const token = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g
  let from = 0
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(from, match.index))
    if (match[0] === "$${") parts.push("${")
    else if (match[1] === undefined) return { kind: "malformed" }
    else parts.push({ variable: match[1] })
    from = match.index + match[0].length
  }
  parts.push(text.slice(from))
  return parts.every((part) => typeof part === "string")
    ? { kind: "plain", text: parts.join("") }
    : { kind: "template", parts: parts.filter((part) => part !== "") }
}

/** The path in `file:/run/secrets/x`, `file:///run/secrets/x` and `file:secrets/x`. */
const filePath = (text: string): string => {
  const path = text.slice("file:".length)
  return path.startsWith("///") ? path.slice(2) : path
}

/** A text in a document, and where it stands. */
export interface Place {
  readonly path: ReadonlyArray<string | number>
  readonly text: string
}

/** How many values of one document may refer to something: more than it has settings. */
export const maxReferences = 1_000

/** The texts in a document that are more than plain text. In `System.ConfigUrls`, `file:` is the place of a document. */
export const placesOf = (raw: unknown): ReadonlyArray<Place> => {
  const places: Array<Place> = []
  const visit = (value: unknown, path: ReadonlyArray<string | number>): void => {
    if (typeof value === "string") {
      const isLocation = path[0] === "System" && path[1] === "ConfigUrls" && !isHttp(value)
      const refers = value.includes("${") || value.startsWith("file:") && !isLocation
      if (refers && places.length < maxReferences) places.push({ path, text: value })
    } else if (Array.isArray(value)) value.forEach((item, i) => visit(item, [...path, i]))
    else if (typeof value === "object" && value !== null) {
      for (const [key, below] of Object.entries(value)) visit(below, [...path, key])
    }
  }
  visit(raw, [])
  return places
}

/** What a value becomes: another one, or `removed`. */
export const removed = Symbol("removed")

/** A copy of a JSON value in which the values at some paths are others. What cannot be reached stays as it is. */
export const replaceAt = (
  raw: unknown,
  changes: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly value: unknown }>
): unknown => {
  const here = changes.find(({ path }) => path.length === 0)
  if (here !== undefined) return here.value
  const below = Map.groupBy(changes, ({ path }) => path[0]!)
  const step = (key: string | number, value: unknown) => {
    const inner = below.get(key)
    return inner === undefined
      ? value
      : replaceAt(value, inner.map(({ path, value }) => ({ path: path.slice(1), value })))
  }
  if (Array.isArray(raw)) return raw.map((item, i) => step(i, item)).filter((item) => item !== removed)
  if (typeof raw !== "object" || raw === null) return raw
  const keys = new Set<string>([...Object.keys(raw), ...[...below.keys()].map(String)])
  return Object.fromEntries(
    [...keys].map((key): [string, unknown] => [
      key,
      Object.hasOwn(raw, key) ? step(key, raw[key as never]) : create(below.get(key)!)
    ]).filter(([, value]) => value !== removed)
  )
}

/** The value of a key that was not there. */
const create = (changes: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly value: unknown }>) =>
  replaceAt({}, changes.map(({ path, value }) => ({ path: path.slice(1), value })))
