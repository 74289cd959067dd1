import * as Effect from "effect/Effect"
import type { AlertRouting } from "../domain/documents/AlertRouting.ts"
import { type DocumentKey, documentKeys, type Local } from "../domain/documents/Local.ts"
import type { Members } from "../domain/documents/Members.ts"
import type { Pricing } from "../domain/documents/Pricing.ts"
import type { Requests } from "../domain/documents/Requests.ts"
import type { Services } from "../domain/documents/Services.ts"
import type { StaticDns } from "../domain/documents/StaticDns.ts"
import { MemoryDocuments } from "./MemoryDocuments.ts"

type LocalJson = typeof Local.Encoded

/** Documents as JSON values, in the shape of the files. */
export interface RawDocuments {
  /** `ConfigUrls` may be left out; a document whose location is set to `""` is not configured. */
  readonly local?: Partial<Omit<LocalJson, "System">> & {
    readonly System?: Partial<Omit<LocalJson["System"], "ConfigUrls">> & {
      readonly ConfigUrls?: Partial<LocalJson["System"]["ConfigUrls"]>
    }
  }
  readonly staticDns?: typeof StaticDns.Encoded
  readonly members?: typeof Members.Encoded
  readonly services?: typeof Services.Encoded
  readonly pricing?: typeof Pricing.Encoded
  readonly requests?: typeof Requests.Encoded
  readonly alerts?: typeof AlertRouting.Encoded
}

/** A local document that names all six others, and six that are empty. */
export const minimalDocuments: RawDocuments = {
  local: {},
  staticDns: [],
  members: {},
  services: {},
  pricing: {},
  requests: {},
  alerts: {}
}

/** Where the local document of `Config.layerMemory` is. */
export const memoryLocal = "https://documents.example/local.json"

/** Where a shared document of `Config.layerMemory` is. */
export const memoryLocation = (key: DocumentKey): string => `https://documents.example/${key}.json`

/** The shared documents by their names in {@link RawDocuments}. */
export const rawNames: Readonly<Record<DocumentKey, Exclude<keyof RawDocuments, "local">>> = {
  StaticDNSConfig: "staticDns",
  MembersConfig: "members",
  ServicesConfig: "services",
  IaasPricingConfig: "pricing",
  ServicesRequestsConfig: "requests",
  AlertsConfig: "alerts"
}

/** The texts of the documents that are given, by location. */
export const encodeMemoryDocuments = (documents: RawDocuments): Readonly<Record<string, string>> => {
  const texts: Record<string, string> = {}
  const { local } = documents
  if (local !== undefined) {
    const urls = Object.fromEntries(documentKeys.map((key) => [key, memoryLocation(key)]))
    const ConfigUrls = { ...urls, ...local.System?.ConfigUrls }
    texts[memoryLocal] = JSON.stringify({ ...local, System: { ...local.System, ConfigUrls } })
  }
  for (const key of documentKeys) {
    const document = documents[rawNames[key]]
    if (document !== undefined) texts[memoryLocation(key)] = JSON.stringify(document)
  }
  return texts
}

/** For tests over `Config.layerMemory`: puts new documents in place of these; the next reload finds them. */
export const setDocuments = Effect.fn("setDocuments")(
  function*(documents: RawDocuments): Effect.fn.Return<void, never, MemoryDocuments> {
    const memory = yield* MemoryDocuments
    for (const [location, text] of Object.entries(encodeMemoryDocuments(documents))) {
      yield* memory.set(location, text)
    }
  }
)
