import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { AppendFiles } from "../node/AppendFiles.ts"
import {
  fileOf,
  type JournalName,
  journalOf,
  lockOf,
  nameOf,
  processOf,
  processOfLock,
  processOfNext
} from "./journalNames.ts"
import { acknowledgedRecord, JournalReader } from "./journalRecords.ts"
import type { UsageTable } from "./UsageTable.ts"

/** How long a table that was read stays in memory: one, for who asks for it a page at a time. */
const tableStays = "1 minute"

/** The journals that nobody writes to: those of dead processes, and of days that are over. */
export const makeJournalFolder = Effect.gen(function*() {
  const files = yield* AppendFiles
  const scope = yield* Effect.scope
  const reading = yield* Semaphore.make(1)
  let cached: { readonly name: string; readonly table: UsageTable } | undefined

  const journals = Effect.map(files.list, (names) =>
    names.flatMap((file) => {
      const journal = journalOf(file)
      return journal === undefined ? [] : [journal]
    }))

  const read = Effect.fnUntraced(function*(journal: JournalName) {
    const reader = new JournalReader(journal.day, journal.writer)
    const readFrom = (file: string) =>
      Stream.runForEach(files.read(file), (record) => Effect.sync(() => reader.push(record)))
    yield* readFrom(fileOf(journal))
    // Since it was listed it may have been stored, and be called so.
    if (reader.isEmpty && !journal.stored) yield* readFrom(fileOf({ ...journal, stored: true }))
    if (reader.lost > 0) {
      yield* Effect.logError("parts of a usage journal are damaged and are not counted").pipe(
        Effect.annotateLogs({ journal: fileOf(journal), parts: reader.lost })
      )
    }
    const entry = { name: nameOf(journal), table: reader.table }
    cached = entry
    yield* Effect.sync(() => {
      if (cached === entry) cached = undefined
    }).pipe(Effect.delay(tableStays), Effect.forkIn(scope))
    return reader.table
  })

  const table = Effect.fn("UsageJournals.table")(
    function*(journal: JournalName) {
      return cached?.name === nameOf(journal) ? cached.table : yield* read(journal)
    },
    reading.withPermit
  )

  const acknowledge = Effect.fnUntraced(function*(journal: JournalName, table: UsageTable, generation: number) {
    const file = fileOf(journal)
    if (generation > table.acknowledged) {
      yield* Effect.scoped(Effect.flatMap(files.open(file), (open) => open.append([acknowledgedRecord(generation)])))
      table.acknowledged = generation
    }
    if (generation >= table.generation) yield* files.rename(file, fileOf({ ...journal, stored: true }))
  })

  const prune = Effect.fn("UsageJournals.prune")(function*(options: {
    /** The first day that stays. */
    readonly before: string
    readonly unstored: boolean
    /** A process that lives. Of others the lock tells. */
    readonly isInUse: (process: string) => boolean
  }) {
    const names = yield* files.list
    const needed = new Set<string>()
    for (const file of names) {
      const journal = journalOf(file)
      if (journal === undefined) continue
      if (journal.day < options.before && (journal.stored || options.unstored)) yield* files.remove(file)
      else needed.add(processOf(journal.writer))
    }
    for (const file of names) {
      // Locks without journals, and what a rewrite left that was cut off.
      const ofLock = processOfLock(file)
      const process = ofLock !== undefined && !needed.has(ofLock) ? ofLock : processOfNext(file)
      if (process === undefined || options.isInUse(process)) continue
      yield* Effect.scoped(Effect.flatMap(
        Effect.isSuccess(files.lock(lockOf(process), "tidying up")),
        (isDead) => isDead ? files.remove(file) : Effect.void
      ))
    }
  })

  return { journals, table, acknowledge, prune }
})
