import * as Effect from "effect/Effect"
import { type Catalog, catalogInSlices } from "../domain/Catalog.ts"
import { type DocumentKey, documentKeys, type Local } from "../domain/documents/Local.ts"
import { type DocumentTypes, emptyDocuments } from "./decodeDocument.ts"
import { inSlices } from "./inSlices.ts"
import type { LastGood } from "./LastGood.ts"
import { describeProblem, isError } from "./Problem.ts"
import type { Readings } from "./readDocuments.ts"
import type { DocumentState, Snapshot } from "./Snapshot.ts"

/** A good copy of a document: its text and what it says. */
export interface Copy<A> extends LastGood {
  readonly value: A
}

/** The good copies of the shared documents, as far as there are any. */
export type Copies = { readonly [K in DocumentKey]?: Copy<DocumentTypes[K]> | undefined }

/** Takes every reading that is good; elsewhere the old copy stays. A document that is not configured has none. */
export const takeReadings = (copies: Copies, readings: Readings, now: number): Copies => {
  const take = <K extends DocumentKey>(key: K): Copy<DocumentTypes[K]> | undefined => {
    const { location, shown, text, value } = readings[key]
    const old: Copy<DocumentTypes[K]> | undefined = copies[key]
    if (location === "") return undefined
    if (value === undefined || text === undefined || text === old?.text) return old
    return { value, text, location: shown, loadedAt: now }
  }
  return {
    StaticDNSConfig: take("StaticDNSConfig"),
    MembersConfig: take("MembersConfig"),
    ServicesConfig: take("ServicesConfig"),
    IaasPricingConfig: take("IaasPricingConfig"),
    ServicesRequestsConfig: take("ServicesRequestsConfig"),
    AlertsConfig: take("AlertsConfig")
  }
}

/** Puts the parts together. `before` is the version in use, whose catalog is kept when nothing in it differs. */
export const makeSnapshot = Effect.fnUntraced(function*(
  before: Snapshot | undefined,
  local: Local,
  copies: Copies,
  readings: Readings,
  now: number
): Effect.fn.Return<Snapshot> {
  const members = copies.MembersConfig?.value ?? emptyDocuments.MembersConfig
  const services = copies.ServicesConfig?.value ?? emptyDocuments.ServicesConfig
  return {
    version: (before?.version ?? 0) + 1,
    loadedAt: now,
    local,
    staticDns: copies.StaticDNSConfig?.value ?? emptyDocuments.StaticDNSConfig,
    members,
    services,
    pricing: copies.IaasPricingConfig?.value ?? emptyDocuments.IaasPricingConfig,
    requests: copies.ServicesRequestsConfig?.value ?? emptyDocuments.ServicesRequestsConfig,
    alerts: copies.AlertsConfig?.value ?? emptyDocuments.AlertsConfig,
    catalog: yield* catalogOf(before, members, services),
    documents: documentStates(before, copies, readings, now)
  }
})

const catalogOf = (
  before: Snapshot | undefined,
  members: DocumentTypes["MembersConfig"],
  services: DocumentTypes["ServicesConfig"]
): Effect.Effect<Catalog> =>
  before !== undefined && before.members === members && before.services === services
    ? Effect.succeed(before.catalog)
    : inSlices(catalogInSlices(members, services))

const documentStates = (
  before: Snapshot | undefined,
  copies: Copies,
  readings: Readings,
  now: number
): Readonly<Record<DocumentKey, DocumentState>> =>
  Object.fromEntries(documentKeys.map((key): [DocumentKey, DocumentState] => {
    const error = readings[key].problems.find(isError)
    return [key, {
      location: readings[key].shown,
      loadedAt: copies[key]?.loadedAt ?? before?.documents[key].loadedAt ?? now,
      problem: error === undefined ? undefined : describeProblem(error)
    }]
  })) as Record<DocumentKey, DocumentState>
