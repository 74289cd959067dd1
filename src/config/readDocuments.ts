import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type DocumentKey, documentKeys, type Local } from "../domain/documents/Local.ts"
import { ConfigError } from "./ConfigError.ts"
import type { KnownDocuments } from "./crossCheck.ts"
import { type Decoded, decodeSliced, type DocumentTypes } from "./decodeDocument.ts"
import type { DocumentError } from "./DocumentError.ts"
import { Documents } from "./Documents.ts"
import { publicLocation, resolveLocation, writtenLocation } from "./location.ts"
import type { DocumentName, Problem } from "./Problem.ts"
import { type LocalDocument, noFile, readLocalDocument } from "./readLocalDocument.ts"
import type { LocalPart } from "./usedSettings.ts"

/** A document that was read just now, as far as it could be. */
export interface Reading<A> extends Pick<Decoded<A>, "value" | "problems"> {
  /** Where it is; `""` when it is not configured. */
  readonly location: string
  /** The same, fit to be shown. */
  readonly shown: string
  /** Undefined when it could not be read. */
  readonly text: string | undefined
}

/** The local document, read just now. */
export interface LocalReading extends Reading<Local> {
  /** The files that its values are in, beside itself. */
  readonly files: ReadonlyArray<string>
  readonly origins: LocalDocument["origins"]
}

/** How the local document is to be read. */
export interface LocalOptions {
  /** A path or URL. Undefined for none: then the environment gives all. */
  readonly path: string | undefined
  /** The parts that the role makes use of: what they refer to must be there. */
  readonly uses?: ReadonlyArray<LocalPart> | undefined
}

/** The six shared documents, read just now. */
export type Readings = { readonly [K in DocumentKey]: Reading<DocumentTypes[K]> }

/** What the documents say, as far as they are good. */
export const valuesOf = (
  documents: { readonly [K in DocumentName]?: { readonly value: DocumentTypes[K] | undefined } | undefined }
): KnownDocuments => ({
  local: documents.local?.value,
  StaticDNSConfig: documents.StaticDNSConfig?.value,
  MembersConfig: documents.MembersConfig?.value,
  ServicesConfig: documents.ServicesConfig?.value,
  IaasPricingConfig: documents.IaasPricingConfig?.value,
  ServicesRequestsConfig: documents.ServicesRequestsConfig?.value,
  AlertsConfig: documents.AlertsConfig?.value
})

/** What was read before: a document with the same text is not decoded again. */
export type Before = { readonly [K in DocumentName]?: Reading<DocumentTypes[K]> | undefined }

/** Adds what was read now to what was read before. A document that could not be read stays as it was. */
export const remember = (before: Before, local: Reading<Local>, shared: Readings): Before => {
  const latest = <K extends DocumentName>(key: K, now: Reading<DocumentTypes[K]>): Reading<DocumentTypes[K]> =>
    now.text === undefined ? before[key] ?? now : now
  return {
    local: latest("local", local),
    StaticDNSConfig: latest("StaticDNSConfig", shared.StaticDNSConfig),
    MembersConfig: latest("MembersConfig", shared.MembersConfig),
    ServicesConfig: latest("ServicesConfig", shared.ServicesConfig),
    IaasPricingConfig: latest("IaasPricingConfig", shared.IaasPricingConfig),
    ServicesRequestsConfig: latest("ServicesRequestsConfig", shared.ServicesRequestsConfig),
    AlertsConfig: latest("AlertsConfig", shared.AlertsConfig)
  }
}

const unread = (document: DocumentName, error: DocumentError, location: string, shown: string): Problem => ({
  severity: "error",
  document,
  path: "",
  expected: `a document at ${shown}`,
  found: error.found.replaceAll(location, shown),
  hint: error.hint
})

const readShared = Effect.fnUntraced(function*<K extends DocumentKey>(
  document: K,
  location: string,
  shown: string,
  before: Reading<DocumentTypes[K]> | undefined,
  good: DocumentTypes[K] | undefined
): Effect.fn.Return<Reading<DocumentTypes[K]>, never, Documents> {
  const read = yield* Effect.result(Documents.use((documents) => documents.read(location)))
  if (Result.isFailure(read)) {
    const problems = [unread(document, read.failure, location, shown)]
    return { value: undefined, problems, location, shown, text: undefined }
  }
  const text = read.success
  if (before?.text === text) return { ...before, location, shown }
  const { problems, value } = yield* decodeSliced(document, text, good)
  return { value, problems, location, shown, text }
})

const readLocalFile = Effect.fnUntraced(function*(
  { path, uses = [] }: LocalOptions
): Effect.fn.Return<LocalReading & Pick<LocalDocument, "raw" | "written">, never, Documents> {
  const location = path ?? noFile
  const shown = publicLocation(location)
  const read = path === undefined
    ? Result.succeed(emptyLocal)
    : yield* Effect.result(Documents.use((documents) => documents.read(path)))
  if (Result.isSuccess(read)) {
    return { ...(yield* readLocalDocument(read.success, location, uses)), location, shown, text: read.success }
  }
  const problems = [unread("local", read.failure, location, shown)]
  const nothing = { value: undefined, raw: undefined, text: undefined, written: {}, files: [], origins: new Map() }
  return { ...nothing, problems, location, shown }
})

/** What the environment is filled into when there is no file. */
const emptyLocal = '{"System": {"ConfigUrls": {}}}'

/** The locations that a local document names, even when the rest of it is invalid. */
const locationsOf = (local: Local | undefined, raw: unknown): ReadonlyMap<DocumentKey, string> => {
  const system = Predicate.hasProperty(raw, "System") ? raw.System : undefined
  const urls: unknown = local?.System.ConfigUrls ??
    (Predicate.hasProperty(system, "ConfigUrls") ? system.ConfigUrls : undefined)
  return new Map(documentKeys.map((key) => {
    const location = Predicate.hasProperty(urls, key) ? urls[key] : ""
    return [key, typeof location === "string" ? location : ""]
  }))
}

/**
 * Reads the local document and the six that it names, all at once. `good` is what is in use: where the local document is
 * bad, it says where the others are.
 */
export const readDocuments = Effect.fnUntraced(function*(
  options: LocalOptions,
  before: Before,
  good: KnownDocuments
): Effect.fn.Return<{ readonly local: LocalReading; readonly shared: Readings }, never, Documents> {
  const { raw, written, ...local } = yield* readLocalFile(options)
  const locations = locationsOf(local.value ?? good.local, raw)
  const base = options.path ?? "./local.json"
  const read = <K extends DocumentKey>(key: K): Effect.Effect<Reading<DocumentTypes[K]>, never, Documents> => {
    const location = resolveLocation(base, locations.get(key) ?? "")
    // What was filled in stays hidden: the location is shown as it is written, or as it was shown before.
    const template = written[key]
    const shown = template !== undefined
      ? writtenLocation(template)
      : local.value === undefined && before[key]?.location === location
      ? before[key].shown
      : publicLocation(location)
    return location === ""
      ? Effect.succeed({ value: undefined, problems: [], location, shown, text: undefined })
      : readShared(key, location, shown, before[key], good[key])
  }
  const shared = yield* Effect.all({
    StaticDNSConfig: read("StaticDNSConfig"),
    MembersConfig: read("MembersConfig"),
    ServicesConfig: read("ServicesConfig"),
    IaasPricingConfig: read("IaasPricingConfig"),
    ServicesRequestsConfig: read("ServicesRequestsConfig"),
    AlertsConfig: read("AlertsConfig")
  }, { concurrency: "unbounded" })
  return { local, shared }
})

/**
 * Reads the local document alone, for what must be known before everything else: the work directory, the node's id.
 * Fails with every problem of it. `path` is a path or URL, undefined for none.
 */
export const readLocal = Effect.fnUntraced(function*(
  path: string | undefined,
  options: Pick<LocalOptions, "uses"> = {}
): Effect.fn.Return<Local, ConfigError, Documents> {
  const { problems, shown, value } = yield* readLocalFile({ ...options, path })
  return value ?? (yield* new ConfigError({ path: shown, problems }))
})
