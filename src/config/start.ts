import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type DocumentKey, documentKeys, type Local } from "../domain/documents/Local.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"
import { ConfigError } from "./ConfigError.ts"
import { type Copies, type Copy, makeSnapshot, takeReadings } from "./Copies.ts"
import { decodeDocument, type DocumentTypes } from "./decodeDocument.ts"
import type { Documents } from "./Documents.ts"
import { type LastGood, readLastGood } from "./LastGood.ts"
import { publicLocation } from "./location.ts"
import { readDocuments, type Reading, type Readings } from "./readDocuments.ts"
import type { Snapshot } from "./Snapshot.ts"

/** What a node begins with. */
export interface Start {
  readonly snapshot: Snapshot
  readonly copies: Copies
  readonly local: Reading<Local>
  readonly shared: Readings
  /** The text of each copy on the disk. */
  readonly saved: Readonly<Partial<Record<DocumentKey, string>>>
}

/**
 * Reads everything for the first time. For a shared document that is bad now, the copy on the disk stands in. Fails
 * with every problem when the local document is bad, or when a required one has no good copy at all.
 */
export const start = Effect.fnUntraced(function*(
  path: string,
  required: ReadonlyArray<DocumentKey>,
  files: DurableFiles["Service"]
): Effect.fn.Return<Start, ConfigError, Documents> {
  const stored = new Map<DocumentKey, LastGood>()
  for (const key of documentKeys) {
    const copy = yield* readLastGood(files, key)
    if (Option.isSome(copy)) stored.set(key, copy.value)
  }
  const { local, shared } = yield* readDocuments(path, {}, undefined)
  const copies = takeReadings(restore(stored, shared), shared, yield* Clock.currentTimeMillis)
  const missing = required.filter((key) => copies[key] === undefined)
  const problems = [...local.problems, ...missing.flatMap((key) => shared[key].problems)]
  if (local.value === undefined || missing.some((key) => shared[key].location !== "")) {
    return yield* new ConfigError({ path: publicLocation(path), problems })
  }
  return {
    snapshot: makeSnapshot(undefined, local.value, copies, shared, yield* Clock.currentTimeMillis),
    copies,
    local,
    shared,
    saved: Object.fromEntries([...stored].map(([key, { text }]) => [key, text]))
  }
})

/** The stored copies that are needed and still good. */
const restore = (stored: ReadonlyMap<DocumentKey, LastGood>, shared: Readings): Copies => {
  const take = <K extends DocumentKey>(key: K): Copy<DocumentTypes[K]> | undefined => {
    const copy = stored.get(key)
    if (copy === undefined || shared[key].value !== undefined) return undefined
    const { value } = decodeDocument(key, copy.text)
    return value === undefined ? undefined : { ...copy, value }
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
