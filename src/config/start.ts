import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type DocumentKey, documentKeys } from "../domain/documents/Local.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"
import { ConfigError } from "./ConfigError.ts"
import { type Copies, type Copy, makeSnapshot, takeReadings } from "./Copies.ts"
import { decodeSliced, type DocumentTypes } from "./decodeDocument.ts"
import type { Documents } from "./Documents.ts"
import { type Kept, lastGoodFile, readLastGood } from "./LastGood.ts"
import type { Problem } from "./Problem.ts"
import { type LocalOptions, type LocalReading, readDocuments, type Reading, type Readings } from "./readDocuments.ts"
import type { Snapshot } from "./Snapshot.ts"

/** What a node begins with. */
export interface Start {
  readonly snapshot: Snapshot
  readonly copies: Copies
  readonly local: LocalReading
  readonly shared: Readings
  /** The text of each copy on the disk. */
  readonly saved: Readonly<Partial<Record<DocumentKey, string>>>
}

/**
 * Reads everything for the first time. For a shared document that is bad now, the copy on the disk stands in. Fails
 * with every problem when the local document is bad, or when a required one has no good copy at all.
 */
export const start = Effect.fnUntraced(function*(
  options: LocalOptions,
  required: ReadonlyArray<DocumentKey>,
  files: DurableFiles["Service"]
): Effect.fn.Return<Start, ConfigError, Documents> {
  const stored = new Map<DocumentKey, Kept>()
  for (const key of documentKeys) stored.set(key, yield* readLastGood(files, key))
  const { local, shared: fresh } = yield* readDocuments(options, {}, {})
  const { restored, shared } = yield* restore(stored, fresh)
  const copies = takeReadings(restored, shared, yield* Clock.currentTimeMillis)
  const missing = required.filter((key) => copies[key] === undefined)
  const problems = [...local.problems, ...missing.flatMap((key) => shared[key].problems)]
  if (local.value === undefined || missing.some((key) => shared[key].location !== "")) {
    return yield* new ConfigError({ path: local.shown, problems })
  }
  return {
    snapshot: yield* makeSnapshot(undefined, local.value, copies, shared, yield* Clock.currentTimeMillis),
    copies,
    local,
    shared,
    saved: Object.fromEntries(
      [...stored].flatMap(([key, { copy }]) => copy === undefined ? [] : [[key, copy.text]])
    )
  }
})

/** The stored copies that are needed and still good. One that is needed and damaged is a problem of its document. */
const restore = Effect.fnUntraced(function*(stored: ReadonlyMap<DocumentKey, Kept>, shared: Readings) {
  const restored: { [K in DocumentKey]?: Copy<DocumentTypes[K]> } = {}
  const readings: { -readonly [K in DocumentKey]: Readings[K] } = { ...shared }
  const take = Effect.fnUntraced(function*<K extends DocumentKey>(key: K) {
    const { copy, damage } = stored.get(key) ?? { copy: undefined, damage: undefined }
    const reading: Reading<DocumentTypes[K]> = shared[key]
    const needed = reading.value === undefined && reading.location !== ""
    if (damage !== undefined) {
      yield* Effect.annotateLogs(Effect.logWarning(`the last good copy cannot be used: ${damage}`), { document: key })
    }
    if (!needed || copy === undefined && damage === undefined) return
    const value = copy === undefined ? undefined : (yield* decodeSliced(key, copy.text, undefined)).value
    if (copy !== undefined && value !== undefined) {
      Object.assign(restored, { [key]: { ...copy, value } satisfies Copy<DocumentTypes[K]> })
    } else {
      const problems = [...reading.problems, damaged(key, damage)]
      Object.assign(readings, { [key]: { ...reading, problems } satisfies Reading<DocumentTypes[K]> })
    }
  })
  for (const key of documentKeys) yield* take(key)
  return { restored, shared: readings }
})

const damaged = (key: DocumentKey, damage: string | undefined): Problem => ({
  severity: "error",
  document: key,
  path: "",
  expected: `the last good copy in ${lastGoodFile(key)} of the work directory`,
  found: damage ?? "one that this version does not take",
  hint: "the next good document replaces it"
})
