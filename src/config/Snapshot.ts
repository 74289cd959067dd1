import type { Catalog } from "../domain/Catalog.ts"
import type { AlertRouting } from "../domain/documents/AlertRouting.ts"
import type { GeoDns } from "../domain/documents/GeoDns.ts"
import type { DocumentKey, Local } from "../domain/documents/Local.ts"
import type { Members } from "../domain/documents/Members.ts"
import type { Pricing } from "../domain/documents/Pricing.ts"
import type { Requests } from "../domain/documents/Requests.ts"
import type { Services } from "../domain/documents/Services.ts"
import type { StaticDns } from "../domain/documents/StaticDns.ts"

/** Where a document came from, and whether it is the newest that the source has. */
export interface DocumentState {
  /** Fit to be shown: without user, password and query of a URL. `""` when the document is not configured. */
  readonly location: string
  /** Milliseconds since the epoch: when the copy in use came first. Without a copy, when the node started. */
  readonly loadedAt: number
  /** Why the newest copy is not in use, if it is not. */
  readonly problem: string | undefined
}

/** One version of everything that is configured. Readers never see a mix of two. */
export interface Snapshot {
  /** Only rises. */
  readonly version: number
  /** Milliseconds since the epoch. */
  readonly loadedAt: number
  readonly local: Local
  readonly staticDns: StaticDns
  readonly members: Members
  readonly services: Services
  readonly pricing: Pricing
  readonly requests: Requests
  readonly alerts: AlertRouting
  /** What the members and services documents say together. */
  readonly catalog: Catalog
  /** Of the last reload: this alone can differ between two snapshots of one version. */
  readonly documents: Readonly<Record<DocumentKey, DocumentState>>
}

/** The keys that differ between two versions of one document. */
export interface KeyDiff {
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
  readonly changed: ReadonlyArray<string>
}

/** A part of the local document that is compared as one. The checks are compared one by one instead. */
export type LocalSection = Exclude<keyof Local, "Checks" | "GeoDNS"> | `GeoDNS.${Exclude<keyof GeoDns, "Checks">}`

/** A new version, and how it differs from the one before. */
export interface ConfigChange {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly members: KeyDiff
  readonly services: KeyDiff
  /** By the name of the check. */
  readonly checks: KeyDiff
  readonly staticDns: boolean
  /** The names of static records, in lower case and without the last dot. */
  readonly staticNames: KeyDiff
  readonly pricing: boolean
  readonly requests: boolean
  readonly alerts: boolean
  /** Anything else in the local document. */
  readonly settings: boolean
  /** Which of it, so that a reader restarts only what is concerned. */
  readonly sections: ReadonlyArray<LocalSection>
}
