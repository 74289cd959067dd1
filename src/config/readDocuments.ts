import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { type DocumentKey, documentKeys, type Local } from "../domain/documents/Local.ts"
import { ConfigError } from "./ConfigError.ts"
import type { KnownDocuments } from "./crossCheck.ts"
import { type Decoded, decodeDocument, type DocumentTypes } from "./decodeDocument.ts"
import type { DocumentError } from "./DocumentError.ts"
import { Documents } from "./Documents.ts"
import { publicLocation, resolveLocation } from "./location.ts"
import type { DocumentName, Problem } from "./Problem.ts"

/** A document that was read just now, as far as it could be. */
export interface Reading<A> extends Pick<Decoded<A>, "value" | "problems"> {
  /** Where it is; `""` when it is not configured. */
  readonly location: string
  /** Undefined when it could not be read. */
  readonly text: string | undefined
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

const unread = (document: DocumentName, error: DocumentError): Problem => ({
  severity: "error",
  document,
  path: "",
  expected: `a document at ${error.location}`,
  found: error.found,
  hint: error.hint
})

const readDocument = Effect.fnUntraced(function*<K extends DocumentName>(
  document: K,
  location: string,
  before: Reading<DocumentTypes[K]> | undefined
): Effect.fn.Return<Reading<DocumentTypes[K]> & { readonly raw: unknown }, never, Documents> {
  const documents = yield* Documents
  return yield* documents.read(location).pipe(
    Effect.map((text) =>
      before?.text === text
        ? { ...before, location, raw: undefined }
        : { ...decodeDocument(document, text), location, text }
    ),
    Effect.catch((error) =>
      Effect.succeed({
        value: undefined,
        raw: undefined,
        problems: [unread(document, error)],
        location,
        text: undefined
      })
    )
  )
})

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
 * Reads the local document and the six that it names, all at once. Where the local document is bad, `fallback` says
 * where the others are.
 */
export const readDocuments = Effect.fnUntraced(function*(
  path: string,
  before: Before,
  fallback: Local | undefined
): Effect.fn.Return<{ readonly local: Reading<Local>; readonly shared: Readings }, never, Documents> {
  const { raw, ...local } = yield* readDocument("local", path, before.local)
  const locations = locationsOf(local.value ?? fallback, raw)
  const read = <K extends DocumentKey>(key: K): Effect.Effect<Reading<DocumentTypes[K]>, never, Documents> => {
    const location = resolveLocation(path, locations.get(key) ?? "")
    return location === ""
      ? Effect.succeed({ value: undefined, problems: [], location, text: undefined })
      : Effect.map(readDocument(key, location, before[key]), ({ raw: _, ...reading }) => reading)
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
 * Fails with every problem of it.
 */
export const readLocal = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Local, ConfigError, Documents> {
  const { problems, value } = yield* readDocument("local", path, undefined)
  return value ?? (yield* new ConfigError({ path: publicLocation(path), problems }))
})
