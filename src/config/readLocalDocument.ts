import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Local } from "../domain/documents/Local.ts"
import { decodeValue, parseDocument } from "./decodeDocument.ts"
import type { DocumentError } from "./DocumentError.ts"
import { Documents } from "./Documents.ts"
import { readEnvironment, readVariable } from "./environment.ts"
import { isHttp, resolveLocation } from "./location.ts"
import { formatPath, hasErrors, type Problem } from "./Problem.ts"
import { type Place, placesOf, readReference, removed, replaceAt } from "./references.ts"
import { isAuthKey, isNeeded, type LocalPart } from "./usedSettings.ts"

/** The local document with everything filled in that it refers to, and that the environment gives. */
export interface LocalDocument {
  readonly value: Local | undefined
  /** Filled in: it may hold secrets in any place. Undefined when the text is no JSON. */
  readonly raw: unknown
  /** The locations of shared documents that were filled in, as they are written: fit to be shown. By their key. */
  readonly written: Readonly<Record<string, string>>
  /** The files that it refers to. */
  readonly files: ReadonlyArray<string>
  /** Path of a value → where it came from, when that is not the document: such a value is never shown. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: ReadonlyArray<Problem>
}

/** The longest secret in a file, in bytes. */
export const maxSecretBytes = 64 * 1024

/** Where a local document without a file would be: relative paths count from where the process runs. */
export const noFile = "the environment"

/**
 * Fills in a local document: the environment first, whose values win, then `${NAME}` and `file:` in any text. `location`
 * is where the text came from.
 */
export const readLocalDocument = Effect.fnUntraced(function*(
  text: string,
  location: string,
  uses: ReadonlyArray<LocalPart>
): Effect.fn.Return<LocalDocument, never, Documents> {
  const parsed = parseDocument("local", text)
  if (Result.isFailure(parsed)) {
    return { value: undefined, raw: undefined, written: {}, files: [], origins: new Map(), problems: [parsed.failure] }
  }
  const { given, problems: ofEnvironment } = yield* readEnvironment
  const origins = new Map(given.map(({ path, variable }) => [formatPath(path), variable]))
  const raw = replaceAt(parsed.success, given)
  const places = placesOf(raw).filter(({ path, text }) =>
    // The environment may name a file, but not itself.
    originOf(origins, formatPath(path)) === undefined || text.startsWith("file:")
  )
  const filled = yield* Effect.forEach(
    places,
    (place) => fill(place, location, originOf(origins, formatPath(place.path))),
    {
      concurrency: 8
    }
  )
  const problems: Array<Problem> = [...ofEnvironment]
  const changes: Array<{ readonly path: Place["path"]; readonly value: unknown }> = []
  const files: Array<string> = []
  for (const { file, missing, place, value } of filled) {
    const path = formatPath(place.path)
    if (file !== undefined) files.push(file)
    if (missing !== undefined) {
      const needed = missing.always || isNeeded(place.path, raw, uses)
      const consequence = needed ? [] : [
        isAuthKey(place.path) ? "until then this key opens nothing" : "until then the value counts as missing"
      ]
      problems.push({
        severity: needed ? "error" : "warning",
        document: "local",
        path,
        expected: missing.expected,
        found: missing.found,
        hint: [missing.hint, ...consequence].join("; ")
      })
    } else if (readReference(place.text).kind !== "plain") origins.set(path, place.text)
    changes.push({ path: place.path, value: missing === undefined ? value : removed })
  }
  const complete = withoutEmptyKeys(replaceAt(raw, changes), problems)
  const decoded = decodeValue("local", complete)
  const told = new Set(problems.map(({ path }) => path))
  const all = [...problems, ...decoded.problems.filter(({ path }) => path === "" || !told.has(path))]
    .map((problem) => hideFilledIn(problem, origins))
  return {
    value: hasErrors(all) ? undefined : decoded.value,
    raw: complete,
    written: writtenLocations(places),
    files,
    origins,
    problems: all
  }
})

interface Missing {
  readonly expected: string
  readonly found: string
  readonly hint: string
  /** It is wrong whoever needs it. */
  readonly always?: boolean
}

interface Filled {
  readonly place: Place
  readonly value?: string
  readonly missing?: Missing
  readonly file?: string
}

const fill = Effect.fnUntraced(function*(
  place: Place,
  location: string,
  origin: string | undefined
): Effect.fn.Return<Filled, never, Documents> {
  const reference = readReference(place.text)
  switch (reference.kind) {
    case "plain":
      return { place, value: reference.text }
    case "malformed":
      return {
        place,
        missing: {
          expected: "the name of a variable in ${…}",
          found: "something else",
          hint: "write $${ for the characters ${ themselves",
          always: true
        }
      }
    case "file": {
      if (isHttp(location) && origin === undefined) return { place, missing: fromTheWeb("a secret of this machine") }
      const file = resolveLocation(location === noFile || isHttp(location) ? "./local.json" : location, reference.path)
      const read = yield* Effect.result(Documents.use((documents) => documents.read(file, { limit: maxSecretBytes })))
      return Result.isSuccess(read)
        ? { place, file, value: read.success.replace(/\r?\n$/, "") }
        : { place, file, missing: unreadableFile(file, read.failure) }
    }
    case "template": {
      const parts: Array<string> = []
      for (const part of reference.parts) {
        const value = typeof part === "string"
          ? part
          : isHttp(location)
          ? undefined
          : yield* readVariable(part.variable)
        if (value !== undefined) parts.push(value)
        else if (isHttp(location)) return { place, missing: fromTheWeb("an environment variable of this machine") }
        else if (typeof part !== "string") {
          return {
            place,
            missing: {
              expected: `the environment variable ${part.variable}`,
              found: "nothing",
              hint: "set it for this process"
            }
          }
        }
      }
      return { place, value: parts.join("") }
    }
  }
})

/** A document from the web must not read what is on this machine: it could send it away in a URL. */
const fromTheWeb = (what: string): Missing => ({
  expected: "a value",
  found: `the name of ${what} in a document from the web`,
  hint: "keep the local document in a file, or give the setting by its own environment variable"
})

const unreadableFile = (file: string, error: DocumentError): Missing => ({
  expected: `a secret in the file ${file}`,
  found: error.found,
  hint: error.reason._tag === "NotFound" ? "create it, or name another file" : error.hint
})

/** An empty key would open an API to everybody who shows none. */
const withoutEmptyKeys = (raw: unknown, problems: Array<Problem>): unknown => {
  const empty: Array<{ readonly path: ReadonlyArray<string>; readonly value: unknown }> = []
  for (const section of ["DnsApi", "CollatorApi", "MonitorApi", "MgmtApi"]) {
    const keys = entry(entry(raw, section), "AuthKeys")
    if (typeof keys !== "object" || keys === null || Array.isArray(keys)) continue
    for (const [name, key] of Object.entries(keys)) {
      if (key !== "") continue
      const path = [section, "AuthKeys", name]
      empty.push({ path, value: removed })
      problems.push({
        severity: "warning",
        document: "local",
        path: formatPath(path),
        expected: "a key",
        found: "an empty one",
        hint: "it opens nothing"
      })
    }
  }
  return empty.length === 0 ? raw : replaceAt(raw, empty)
}

const entry = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) ? value[key as never] : undefined

/** Where the value at a path came from, or one above it. */
const originOf = (origins: ReadonlyMap<string, string>, path: string): string | undefined => {
  for (const [above, origin] of origins) {
    if (path === above || path.startsWith(`${above}.`) || path.startsWith(`${above}[`)) return origin
  }
  return undefined
}

/** A value that did not stand in the document is not shown, whatever is wrong with it. */
export const hideFilledIn = (problem: Problem, origins: ReadonlyMap<string, string>): Problem => {
  const origin = problem.document === "local" && problem.path !== "" ? originOf(origins, problem.path) : undefined
  const tellsNothing = problem.found === "nothing" || problem.expected === "a known key" ||
    problem.found === "an empty one"
  return origin === undefined || tellsNothing
    ? problem
    : { ...problem, ...unshownFile(problem), found: `what ${origin} gives, which is not shown` }
}

const writtenLocations = (places: ReadonlyArray<Place>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    places.filter(({ path }) => path[0] === "System" && path[1] === "ConfigUrls").map(({ path, text }) => [
      String(path[2]),
      text
    ])
  )

/** The path of a file that was filled in is itself not shown. */
const unshownFile = ({ expected }: Problem) => expected.startsWith("a file at ") ? { expected: "a file" } : {}
