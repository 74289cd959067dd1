import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type AppendFile, AppendFiles } from "../node/AppendFiles.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import type { DayCounter } from "./DayCounter.ts"
import { fileOf, nextOf } from "./journalNames.ts"
import {
  acknowledgedRecord,
  changesRecord,
  headerRecord,
  recordChanges,
  recordRows,
  recordTexts,
  rowsRecord,
  textsRecord
} from "./journalRecords.ts"
import type { UsageTable } from "./UsageTable.ts"

/** A journal shorter than this many bytes is not worth a rewrite. */
const smallJournal = 16 * 1024 * 1024

/** Keeps the journal of one day counter. */
export interface JournalWriter {
  readonly counter: DayCounter
  /** Writes what has changed: afterwards kill -9 cannot take it. */
  readonly write: Effect.Effect<void, DurableFileError>
  /** Waits until what was written is on the disk. */
  readonly sync: Effect.Effect<void, DurableFileError>
  /** Notes that all up to a generation is stored elsewhere. */
  readonly acknowledge: (generation: number) => Effect.Effect<void, DurableFileError>
  /** What the disk may not have kept, until a rewrite succeeds. */
  readonly doubt: () => string | undefined
  /** Whether the journal holds twice as much as it has to, or is in doubt. */
  readonly wantsRewrite: () => boolean
  /** Writes a new journal with nothing but the totals, while the old one goes on, and puts it in its place. */
  readonly rewrite: Effect.Effect<void, DurableFileError>
  /** Closes the file. */
  readonly close: Effect.Effect<void>
}

interface OpenFile {
  readonly file: AppendFile
  readonly scope: Scope.Closeable
  /** Texts and rows below these are in it. */
  texts: number
  rows: number
}

/** The records of texts and rows that a file does not have yet. */
const outstanding = (table: UsageTable, open: OpenFile): Array<string> => {
  const { rows, texts: { length: texts } } = table
  const records: Array<string> = []
  for (let from = open.texts; from < texts; from += recordTexts) {
    records.push(textsRecord(table, from, Math.min(from + recordTexts, texts)))
  }
  for (let from = open.rows; from < rows; from += recordRows) {
    records.push(rowsRecord(table, from, Math.min(from + recordRows, rows)))
  }
  return records
}

const isMuch = (table: UsageTable, open: OpenFile): boolean =>
  table.rows - open.rows > recordRows || table.texts.length - open.texts > recordTexts

/** Appends the records, and all texts and rows that they may refer to before them. */
const appendWith = (table: UsageTable, open: OpenFile, records: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    const texts = table.texts.length
    const rows = table.rows
    return Effect.map(open.file.append([...outstanding(table, open), ...records]), () => {
      open.texts = texts
      open.rows = rows
    })
  })

/** Makes the writer of a journal, which begins with the first `write`. */
export const makeJournalWriter = Effect.fnUntraced(function*(
  node: string,
  counter: DayCounter
): Effect.fn.Return<JournalWriter, never, AppendFiles> {
  const files = yield* AppendFiles
  const { table } = counter
  const name = fileOf({ day: table.day, writer: table.writer, stored: false })
  const header = headerRecord({ node, writer: table.writer, day: table.day })
  // The first is for what is in the file, the second for which file it is: a slow disk must not hold up writing.
  const writing = yield* Semaphore.make(1)
  const switching = yield* Semaphore.make(1)
  let current: OpenFile | undefined
  let bytesWhenRewritten = 0
  let isUnsynced = false
  let doubt: string | undefined

  const openFile = Effect.fnUntraced(function*(name: string) {
    const scope = yield* Scope.make()
    const file = yield* files.open(name).pipe(
      Scope.provide(scope),
      Effect.tap((file) => file.append([header])),
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, Exit.void))
    )
    const open: OpenFile = { file, scope, texts: 0, rows: 0 }
    return open
  })

  const opened = Effect.suspend(() =>
    current !== undefined ? Effect.succeed(current) : Effect.tap(openFile(name), (open) =>
      Effect.sync(() => {
        current = open
      }))
  )

  /** The same a slice at a time, when there is much. */
  const appendOutstanding = Effect.fnUntraced(function*(open: OpenFile) {
    // While this is written more may come: rows whose texts come behind them could not be read.
    const { rows, texts: { length: texts } } = table
    while (open.texts < texts) {
      const end = Math.min(open.texts + recordTexts, texts)
      yield* open.file.append([textsRecord(table, open.texts, end)])
      open.texts = end
      yield* Effect.yieldNow
    }
    while (open.rows < rows) {
      const end = Math.min(open.rows + recordRows, rows)
      yield* open.file.append([rowsRecord(table, open.rows, end)])
      open.rows = end
      yield* Effect.yieldNow
    }
  })

  const write = writing.withPermit(Effect.gen(function*() {
    const generation = table.generation + 1
    let left = counter.changed
    if (left === 0) return
    const open = yield* opened
    yield* Effect.ensuring(
      Effect.gen(function*() {
        while (left > 0) {
          const rows = counter.take(Math.min(left, recordChanges))
          left -= rows.length
          const changes = rows.flatMap((row) => [row, table.hits(row)])
          const append = isMuch(table, open) ? appendOutstanding(open) : Effect.void
          yield* Effect.andThen(append, appendWith(table, open, [changesRecord(generation, changes)])).pipe(
            Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => counter.putBack(rows)))
          )
          for (let i = 0; i < changes.length; i += 2) table.setWritten(changes[i]!, changes[i + 1]!, generation)
          isUnsynced = true
          yield* Effect.yieldNow
        }
      }),
      // Only now: what is acknowledged up to a generation must not get more rows.
      Effect.sync(() => {
        table.generation = generation
      })
    )
  }))

  const sync = switching.withPermit(Effect.suspend(() => {
    if (current === undefined || !isUnsynced) return Effect.void
    isUnsynced = false
    return Effect.tapError(current.file.sync, (error) =>
      Effect.sync(() => {
        // The system may have dropped what it could not write, and will not say so again.
        isUnsynced = true
        doubt = error.message
      }))
  }))

  const acknowledge = (generation: number) =>
    writing.withPermit(Effect.gen(function*() {
      if (generation <= table.acknowledged) return
      const open = yield* opened
      yield* open.file.append([acknowledgedRecord(generation)])
      table.acknowledged = generation
    }))

  /** The totals of the rows that are chosen, in records, as they are in the journal. */
  const appendTotals = Effect.fnUntraced(function*(open: OpenFile, after: number, until: number, as: number) {
    let changes: Array<number> = []
    const rows = open.rows
    for (let row = 0; row < rows; row++) {
      if (table.isWrittenIn(row, after, until)) changes.push(row, table.written(row))
      if (changes.length === recordChanges * 2 || row % (recordChanges * 4) === 0) {
        if (changes.length > 0) yield* open.file.append([changesRecord(as, changes)])
        changes = []
        yield* Effect.yieldNow
      }
    }
    if (changes.length > 0) yield* open.file.append([changesRecord(as, changes)])
  })

  const rewriteInto = Effect.fnUntraced(function*(next: OpenFile) {
    const { acknowledged, generation } = table
    yield* appendOutstanding(next)
    yield* appendTotals(next, 0, acknowledged, acknowledged)
    yield* next.file.append([acknowledgedRecord(acknowledged)])
    yield* appendTotals(next, acknowledged, generation, generation)
    yield* next.file.sync
    yield* writing.withPermit(switching.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      // What was written meanwhile. Some of it may be acknowledged already, and must not wait again.
      const stored = Math.max(generation, table.acknowledged)
      yield* appendWith(table, next, [])
      yield* appendTotals(next, generation, stored, stored)
      yield* appendTotals(next, stored, table.generation, table.generation)
      yield* next.file.append([acknowledgedRecord(table.acknowledged)])
      yield* next.file.sync
      const old = current
      yield* files.rename(nextOf(name), name).pipe(Effect.tapError(() => {
        // Which of the two has the name now is not known, but it has everything: open it again.
        current = undefined
        return old === undefined ? Effect.void : Scope.close(old.scope, Exit.void)
      }))
      current = next
      bytesWhenRewritten = next.file.size()
      isUnsynced = false
      doubt = undefined
      if (old !== undefined) yield* Scope.close(old.scope, Exit.void)
    }))))
  })

  const rewrite = Effect.gen(function*() {
    // What an earlier attempt left.
    yield* files.remove(nextOf(name))
    const next = yield* openFile(nextOf(name))
    yield* rewriteInto(next).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) || current === next
          ? Effect.void
          : Effect.andThen(Scope.close(next.scope, Exit.void), Effect.ignore(files.remove(nextOf(name))))
      )
    )
  })

  return {
    counter,
    write,
    sync,
    acknowledge,
    doubt: () => doubt,
    wantsRewrite: () =>
      doubt !== undefined || current !== undefined && current.file.size() > 2 * bytesWhenRewritten + smallJournal,
    rewrite,
    close: switching.withPermit(Effect.suspend(() => {
      const open = current
      current = undefined
      return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
    }))
  }
})
