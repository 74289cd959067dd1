import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import { placeOf } from "../roles/Place.ts"
import { CollectionLedger, LedgerDocument, ledgerFile } from "../usage/CollectionLedger.ts"
import { journalOf } from "../usage/journalNames.ts"
import { type PeriodCompleteness, periodCompleteness } from "../usage/periodCompleteness.ts"
import type { Period } from "./text/period.ts"

/** Where the figures of a report come from. */
export type UsageCollection =
  /** A collector has kept what it has of whom. */
  | { readonly _tag: "Collected"; readonly of: PeriodCompleteness }
  /** The node of this work directory counts answers and stores them itself. */
  | { readonly _tag: "Counted" }
  | { readonly _tag: "Unknown"; readonly why: string }

const decodeLedger = Schema.decodeUnknownEffect(LedgerDocument)

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** What the work directory of the local document at `config` tells of the usage of a period. It is only looked at. */
export const readCollection = Effect.fnUntraced(function*(config: string, period: Period) {
  const local = yield* readLocal(config)
  const { workDir } = placeOf(config, local)
  const now = yield* Clock.currentTimeMillis
  const file = join(workDir, ledgerFile)
  const unknown = (why: string): UsageCollection => ({ _tag: "Unknown", why })
  return yield* Effect.tryPromise({
    try: (signal) => readFile(file, { encoding: "utf8", signal }),
    catch: (cause) => cause
  }).pipe(
    Effect.flatMap(decodeLedger),
    Effect.map((document): UsageCollection => ({
      _tag: "Collected",
      of: periodCompleteness(CollectionLedger.from(document).completeness(now), period, now)
    })),
    Effect.catch((cause) => {
      if (!isMissing(cause)) return Effect.succeed(unknown(`${file} cannot be read`))
      const isCounting = Effect.promise(() =>
        readdir(workDir).then((names) => names.some((name) => journalOf(name) !== undefined), () => false)
      )
      return Effect.map(
        isCounting,
        (counts) => counts ? { _tag: "Counted" } as const : unknown(`no collector has kept ${file}`)
      )
    })
  )
}, Effect.provide(Documents.layer))

/** How many days and nodes the text names. */
const named = 10

const some = (what: ReadonlyArray<string>): string =>
  what.length <= named ? what.join(", ") : `${what.slice(0, named).join(", ")} and ${what.length - named} more`

const timeOf = (millis: number): string => new Date(millis).toISOString()

/** One line for people: how old and complete the figures are. */
export const collectionText = (collection: UsageCollection): string => {
  switch (collection._tag) {
    case "Unknown":
      return `how old and complete these figures are is not known: ${collection.why}`
    case "Counted":
      return "counted by the node of this document itself: what it has not stored yet, of 5 minutes, is missing"
    case "Collected": {
      const { collectedAt, incomplete, unknown } = collection.of
      const missing = incomplete.filter(({ state }) => state === "missing")
      const running = new Set(incomplete.flatMap(({ day, state }) => state === "running" ? [day] : []))
      return [
        collectedAt === undefined ? "never collected" : `collected at ${timeOf(collectedAt)}`,
        ...missing.length > 0 ? [`incomplete: ${some(missing.map(({ day, node }) => `${day}/${node}`))}`] : [],
        ...running.size > 0 ? [`not over yet: ${[...running].join(", ")}`] : [],
        ...unknown.length > 0
          ? [`nothing is known of ${some(unknown.map(({ from, to }) => from === to ? from : `${from} to ${to}`))}`]
          : [],
        ...incomplete.length + unknown.length === 0 ? ["complete"] : []
      ].join("; ")
    }
  }
}

/** The same for programs; null when nothing is known. */
export const collectionDocument = (collection: UsageCollection) => {
  switch (collection._tag) {
    case "Unknown":
      return null
    case "Counted":
      return { by: "node" }
    case "Collected": {
      const { collectedAt, incomplete, unknown } = collection.of
      return {
        by: "collector",
        collectedAt: collectedAt === undefined ? null : timeOf(collectedAt),
        incomplete,
        unknown
      }
    }
  }
}
