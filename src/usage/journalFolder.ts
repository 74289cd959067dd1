import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { AppendFiles } from "../node/AppendFiles.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import { JournalAges } from "./JournalAges.ts"
import {
  agesFile,
  fileOf,
  type JournalName,
  journalOf,
  lockOf,
  nameOf,
  nextOf,
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
  const reading = yield* Semaphore.make(1)
  let cached: { readonly name: string; readonly table: UsageTable } | undefined
  // One for all, and it holds no table: many journals that are read in a minute must not add up in memory.
  const forgetting = yield* FiberHandle.make<void>()
  const forget = Effect.sync(() => {
    cached = undefined
  }).pipe(Effect.delay(tableStays))

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
    cached = { name: nameOf(journal), table: reader.table }
    yield* FiberHandle.run(forgetting, forget)
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

  let kept: JournalAges | undefined
  const readAges = Effect.suspend(() => {
    if (kept !== undefined) return Effect.succeed(kept)
    const ages = new JournalAges()
    return Effect.map(
      Stream.runForEach(files.read(agesFile), (record) => Effect.sync(() => ages.read(record))),
      () => kept = ages
    )
  })

  const writeAges = Effect.fnUntraced(function*(ages: JournalAges) {
    const next = nextOf(agesFile)
    yield* files.remove(next)
    yield* Effect.scoped(Effect.gen(function*() {
      const open = yield* files.open(next)
      yield* open.append(ages.toRecords())
      yield* open.sync
    }))
    yield* files.rename(next, agesFile)
  })

  /** Counts that the node ran for so many milliseconds since the last time. */
  const age = Effect.fnUntraced(function*(journals: ReadonlyArray<JournalName>, ran: number) {
    const ages = yield* readAges
    ages.pass(journals.map(nameOf), ran)
    // In memory they go on; after a restart journals are younger than they are, which removes nothing.
    yield* Effect.catch(
      writeAges(ages),
      (error) => Effect.logWarning("how old usage journals are is not kept for the next start", error)
    )
    return ages
  })

  /**
   * Removes journals that are old and that nobody writes or is to store, then what has no journal any more. Gives those that
   * stay.
   */
  const prune = Effect.fn("UsageJournals.prune")(function*(options: {
    /** How long the node ran since the last time. Milliseconds. */
    readonly ran: number
    /** Also those that are not stored. */
    readonly unstored: boolean
    readonly ownProcess: string
    /** Whether this process writes to it. */
    readonly isWritten: (journal: JournalName) => boolean
  }) {
    const { isWritten, ownProcess, ran, unstored } = options
    /** Whether the effect ran: not while the process lives. Only this process may lock its own. */
    const whenDead = (process: string, effect: Effect.Effect<void, DurableFileError>) =>
      Effect.scoped(Effect.flatMap(
        Effect.isSuccess(files.lock(lockOf(process), "tidying up")),
        (isDead) => isDead ? Effect.as(effect, true) : Effect.succeed(false)
      ))
    const removeJournal = (journal: JournalName) => {
      const process = processOf(journal.writer)
      const remove = files.remove(fileOf(journal))
      if (process !== ownProcess) return whenDead(process, remove)
      return isWritten(journal) ? Effect.succeed(false) : Effect.as(remove, true)
    }

    const all = yield* journals
    const ages = yield* age(all, ran)
    const left: Array<JournalName> = []
    for (const journal of all) {
      const isOver = ages.isOver(nameOf(journal)) && (journal.stored || unstored)
      if (!isOver || !(yield* removeJournal(journal))) left.push(journal)
    }

    const needed = new Set([ownProcess, ...left.map(({ writer }) => processOf(writer))])
    for (const file of yield* files.list) {
      const ofLock = processOfLock(file)
      if (ofLock !== undefined && !needed.has(ofLock)) yield* whenDead(ofLock, files.remove(file))
      // What a rewrite left that was cut off.
      const ofNext = processOfNext(file)
      if (ofNext !== undefined && ofNext !== ownProcess) yield* whenDead(ofNext, files.remove(file))
    }
    return left
  })

  return { journals, table, acknowledge, prune }
})
