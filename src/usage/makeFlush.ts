import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { Conditions } from "../node/Conditions.ts"
import { compareStored } from "../store/StoredText.ts"
import type { StoreError } from "../store/StoreError.ts"
import { type UsageRow, UsageStore } from "../store/UsageStore.ts"
import { isClosed } from "./closing.ts"
import type { JournalName } from "./journalNames.ts"
import { UsageJournals } from "./UsageJournals.ts"
import type { UsageTable } from "./UsageTable.ts"

/** The name of the condition that is raised while totals cannot be stored. */
const condition = "usage"
/** Totals that go to the store at once; its statements have 500 each. */
const batch = 2_500
/** Rows that are looked at before the event loop gets a turn. */
const slice = 20_000
/** What the last flush, when the process stops, may take. */
const lastFlush = "10 seconds"

const refused = Metric.counter("geodns_usage_refused_total", {
  description: "How often the database refused some usage totals for what they are",
  incremental: true
})
const corrections = Metric.counter("geodns_usage_corrections_total", {
  description: "Usage totals that were stored for a day that was closed already",
  incremental: true
})

/** The order of the store's key, so that statements that meet take their locks in one order. */
const compareRows = (a: UsageRow, b: UsageRow): number =>
  compareStored(a.domain, b.domain)
  || compareStored(a.member, b.member)
  || compareStored(a.asn, b.asn)
  || compareStored(a.network, b.network)
  || compareStored(a.country, b.country)
  || compareStored(a.countryName, b.countryName)
  || Number(a.ipv6) - Number(b.ipv6)

/** What became of some rows: how many were stored, and why others were not, though the store was there. */
interface Stored {
  readonly rows: number
  readonly refusal: StoreError | undefined
}

const together = (a: Stored, b: Stored): Stored => ({ rows: a.rows + b.rows, refusal: a.refusal ?? b.refusal })

/** How many refusals one flush looks into. When there are more, it is not the rows but the database. */
const maxRefusals = 200

/** Stores rows; when the database refuses them for what they are, by halves: a bad row costs itself and not the batch. */
const storeRows = (
  store: UsageStore["Service"],
  rows: ReadonlyArray<UsageRow>,
  budget: { refusals: number }
): Effect.Effect<Stored, StoreError> =>
  store.upsert(rows).pipe(
    Effect.as<Stored>({ rows: rows.length, refusal: undefined }),
    Effect.catch((error) => {
      budget.refusals += 1
      if (error.isRetryable || budget.refusals > maxRefusals) return Effect.fail(error)
      if (rows.length === 1) return Effect.succeed<Stored>({ rows: 0, refusal: error })
      const half = rows.length >> 1
      return Effect.zipWith(
        storeRows(store, rows.slice(0, half), budget),
        storeRows(store, rows.slice(half), budget),
        together
      )
    })
  )

/** Makes the effect that stores what the journals have and the store has not, and runs it on a schedule and at the end. */
export const makeFlush = Effect.fnUntraced(function*(options: {
  readonly every: Duration.Input
  /** Runs after each flush, however that ends. */
  readonly measure: Effect.Effect<void>
}) {
  const journals = yield* UsageJournals
  const store = yield* UsageStore
  const conditions = yield* Conditions
  const lock = yield* Semaphore.make(1)

  const storeTable = Effect.fnUntraced(function*(
    journal: JournalName,
    table: UsageTable,
    budget: { refusals: number }
  ) {
    let done: Stored = { rows: 0, refusal: undefined }
    let rows: Array<UsageRow> = []
    const storeBatch = Effect.suspend(() => {
      const sorted = rows.sort(compareRows)
      rows = []
      // Only what is on the disk: who starts after a power cut must not know less than the store.
      return Effect.andThen(journals.onDisk, storeRows(store, sorted, budget))
    })
    const last = table.rows
    for (let row = 0; row < last; row++) {
      if (table.isWaiting(row)) {
        rows.push({
          day: journal.day,
          // Stored under another id, what was collected before the node got a new one would count twice.
          node: table.node ?? journals.node,
          writer: journal.writer,
          ...table.key(row),
          hits: table.safeHits(row)
        })
      }
      if (rows.length === batch) done = together(done, yield* storeBatch)
      if (row % slice === slice - 1) yield* Effect.yieldNow
    }
    return rows.length === 0 ? done : together(done, yield* storeBatch)
  })

  const storeJournal = Effect.fnUntraced(function*(journal: JournalName, budget: { refusals: number }) {
    if (!(yield* journals.claim(journal))) return { rows: 0, refusal: undefined }
    const table = yield* journals.table(journal)
    const { generation } = table
    const stored = yield* storeTable(journal, table, budget)
    if (stored.refusal !== undefined) yield* Metric.update(refused, 1)
    else {
      // Without the note they are sent once more, which changes nothing.
      yield* Effect.catch(
        journals.acknowledge(journal, table, generation),
        (error) => Effect.logWarning("what was stored could not be noted in the journal", error)
      )
    }
    const now = yield* Clock.currentTimeMillis
    if (stored.rows > 0 && isClosed(journal.day, now)) {
      yield* Metric.update(corrections, stored.rows)
      yield* Effect.logWarning("usage was stored for a day that was closed: a correction").pipe(
        Effect.annotateLogs({ day: journal.day, writer: journal.writer, totals: stored.rows })
      )
    }
    return stored
  }, Effect.scoped)

  const flush: Effect.Effect<number, StoreError> = Effect.gen(function*() {
    let rows = 0
    let refusal: StoreError | undefined
    const budget = { refusals: 0 }
    const problems: Array<string> = []
    yield* journals.sync
    const all = yield* journals.list().pipe(
      Effect.catch((error) => Effect.as(Effect.sync(() => problems.push(error.message)), []))
    )
    for (const journal of all.filter(({ stored }) => !stored)) {
      yield* storeJournal(journal, budget).pipe(
        Effect.tap((stored) =>
          Effect.sync(() => {
            rows += stored.rows
            refusal ??= stored.refusal
          })
        ),
        // One journal that cannot be read must not keep the others from the store.
        Effect.catchTag("DurableFileError", (error) => Effect.sync(() => problems.push(error.message)))
      )
    }
    if (refusal !== undefined) {
      if (rows === 0) return yield* refusal
      problems.push(refusal.message)
    }
    yield* problems.length === 0
      ? conditions.clear(condition)
      : conditions.raise(condition, `some usage is not stored (${problems[0]}); it waits in the journals`)
    yield* Effect.ignore(journals.prune({ unstored: false }))
    return rows
  }).pipe(
    Effect.tapError((error) =>
      conditions.raise(condition, `usage is not stored (${error.message}); it waits in the journals of this node`)
    ),
    Effect.ensuring(options.measure),
    lock.withPermit,
    Effect.withSpan("Usage.flush")
  )

  // Closes after the loop below has stopped, so it takes what that has left.
  yield* Effect.addFinalizer(() =>
    flush.pipe(
      Effect.timeout(lastFlush),
      Effect.catchCause((cause) =>
        Effect.logError("usage could not be stored when stopping: it waits in the journals for the next start", cause)
      )
    )
  )
  yield* flush.pipe(
    Effect.catchTag("StoreError", () => Effect.void),
    Effect.catchCause((cause) => Effect.logError("usage could not be stored", cause)),
    Effect.schedule(Schedule.spaced(options.every)),
    Effect.forkScoped
  )
  return flush
})
