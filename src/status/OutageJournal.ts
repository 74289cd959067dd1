import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Target } from "../domain/Target.ts"
import { type AppendFile, AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import { OutageBacklog } from "./OutageBacklog.ts"
import { doneRecord, readRecord, type Transition, transitionRecord, type WaitingTransition } from "./Transition.ts"

/** Where transitions wait for the store. */
export const outageJournal = "outages.journal"

/** How many may wait. Beyond it the oldest outages that are over are given up, a tenth of them at once. */
export const maxTransitions = 100_000

/** What may be set otherwise. */
export interface OutageJournalOptions {
  /** {@link maxTransitions}. */
  readonly capacity?: number
}

const nextJournal = `${outageJournal}.next`

/** A journal shorter than this many bytes is not worth a rewrite. */
const smallJournal = 1024 * 1024

/** Records of one write of a rewrite: few enough that none of them holds up the event loop. */
const sliceRecords = 256

/** How long a write that has failed waits for the next attempt. */
const writeAgain = "5 seconds"

const journalCondition = "outages:journal"
const fullCondition = "outages:full"

/** What a record takes in the file, with its checksum. */
const bytesOf = (record: string): number => Buffer.byteLength(record) + 10

const make = Effect.fnUntraced(function*({ capacity = maxTransitions }: OutageJournalOptions) {
  const files = yield* AppendFiles
  const conditions = yield* Conditions
  const backlog = new OutageBacklog()
  const writing = yield* Semaphore.make(1)
  const some = yield* Latch.make()
  const failed = yield* Latch.make()
  let last = 0
  // The first write of each process makes a new file, and so does one after a failure: nobody knows what is in the old.
  let current: { readonly file: AppendFile; readonly scope: Scope.Closeable } | undefined

  yield* Stream.runForEach(files.read(outageJournal), (text) =>
    Effect.sync(() => {
      const record = readRecord(text)
      if (record === undefined) return
      if ("done" in record) {
        for (let first = backlog.first(); first !== undefined && first.number <= record.done; first = backlog.first()) {
          backlog.remove(first.number)
        }
      } else if (record.number > last) {
        last = record.number
        backlog.add({ ...record, bytes: bytesOf(text), isRestored: true })
      }
    })).pipe(
      Effect.catch((error) =>
        conditions.raise(
          journalCondition,
          `outages that waited for the store before the start may be lost: ${error.message}`
        )
      )
    )
  if (backlog.size > 0) {
    yield* Effect.logInfo(`${backlog.size} changes of status wait for the store since before the start`)
  }

  const measure = Effect.suspend(() => Metric.update(waitingTransitions, backlog.size))
  const close = Effect.suspend(() => {
    const open = current
    current = undefined
    return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
  })

  /** Puts a new file with all that waits in the place of the old one. */
  const rewrite = Effect.gen(function*() {
    yield* files.remove(nextJournal)
    const scope = yield* Scope.make()
    yield* Effect.gen(function*() {
      const file = yield* Scope.provide(files.open(nextJournal), scope)
      let records: Array<string> = []
      for (const { number, transition } of backlog.all()) {
        if (records.push(transitionRecord(number, transition)) < sliceRecords) continue
        yield* file.append(records)
        records = []
      }
      yield* file.append(records)
      yield* file.sync
      yield* files.rename(nextJournal, outageJournal)
      yield* close
      current = { file, scope }
    }).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
  })

  /** Brings records into the file; all that waits has to be in the backlog, for a rewrite. */
  const write = (records: ReadonlyArray<string>, isNew: boolean) =>
    Effect.suspend((): Effect.Effect<void, DurableFileError> => {
      // It is all written again soon.
      if (failed.isOpen()) return Effect.void
      if (current === undefined || current.file.size() > smallJournal + 2 * backlog.bytes) return rewrite
      const { file } = current
      return Effect.andThen(file.append(records), isNew ? file.sync : Effect.void)
    }).pipe(
      Effect.tap(() => failed.isOpen() ? Effect.void : conditions.clear(journalCondition)),
      Effect.catch((error) =>
        Effect.gen(function*() {
          yield* close
          yield* conditions.raise(
            journalCondition,
            `changes of status that wait for the store are in memory only, and a kill -9 would lose them: ${error.message}`
          )
          yield* failed.open
        })
      )
    )

  const makeRoom = Effect.gen(function*() {
    const given = backlog.giveUp(Math.floor(capacity * 0.9))
    yield* Metric.update(givenUp, given.length)
    yield* Effect.logError("outages are lost: too many wait for the store").pipe(
      Effect.annotateLogs({ outages: given.length })
    )
    yield* conditions.raise(
      fullCondition,
      `more than ${capacity} changes of status wait for the store: the oldest outages that are over are lost`
    )
    // What was given up must not come back.
    yield* close
  })

  const add = (transitions: ReadonlyArray<Transition>) =>
    writing.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      const records: Array<string> = []
      for (const transition of transitions) {
        if (!backlog.isNews(transition)) continue
        const record = transitionRecord(++last, transition)
        backlog.add({ number: last, transition, bytes: bytesOf(record), isRestored: false })
        records.push(record)
      }
      if (records.length === 0) return
      if (backlog.size > capacity) yield* makeRoom
      yield* write(records, true)
      yield* measure
      yield* some.open
    })))

  const done = ({ number }: WaitingTransition) =>
    writing.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      backlog.remove(number)
      yield* write([doneRecord(number)], false)
      yield* measure
      if (backlog.size === 0) yield* Effect.andThen(some.close, conditions.clear(fullCondition))
    })))

  yield* Effect.addFinalizer(() => close)
  yield* failed.await.pipe(
    Effect.andThen(Effect.sleep(writeAgain)),
    Effect.andThen(failed.close),
    Effect.andThen(writing.withPermit(Effect.uninterruptible(write([], true)))),
    Effect.forever,
    Effect.forkScoped
  )
  yield* measure
  if (backlog.size > 0) yield* some.open

  return OutageJournal.of({
    add,
    first: Effect.map(some.await, () => backlog.first()!),
    restored: () => [...backlog.all()].filter(({ isRestored }) => isRestored),
    endOf: (waiting) => backlog.endOf(waiting)?.transition,
    downTargets: () => backlog.downTargets(),
    done,
    size: () => backlog.size
  })
})

/**
 * The transitions that wait for the store, in order, in a file that survives kill -9: what opened and closed while the
 * database was away is written when it is back, also by the next process. One reader at a time.
 */
export class OutageJournal extends Context.Service<OutageJournal, {
  /**
   * Takes transitions. Those of a target alternate: what says the same as the last that waits is left out. Afterwards
   * they survive kill -9; while the disk does not take them they wait in memory, and the condition `outages:journal` says so.
   */
  readonly add: (transitions: ReadonlyArray<Transition>) => Effect.Effect<void>
  /** The one that is next. Waits until there is one. */
  readonly first: Effect.Effect<WaitingTransition>
  /** Those from before the start of this process, in order. */
  readonly restored: () => ReadonlyArray<WaitingTransition>
  /** What ends the outage that a transition opens, when that waits too. */
  readonly endOf: (waiting: WaitingTransition) => Transition | undefined
  /** The targets that will have an open outage when all is done. */
  readonly downTargets: () => ReadonlyArray<Target>
  /** Takes the first one away: what follows from it is in the store. */
  readonly done: (waiting: WaitingTransition) => Effect.Effect<void>
  /** How many wait. */
  readonly size: () => number
}>()("effect-geodns/status/OutageJournal") {
  /** With another capacity. */
  static readonly layerWith = (
    options: OutageJournalOptions
  ): Layer.Layer<OutageJournal, never, AppendFiles | Conditions> => Layer.effect(OutageJournal, make(options))

  /** In the file `outages.journal`. */
  static readonly layer: Layer.Layer<OutageJournal, never, AppendFiles | Conditions> = OutageJournal.layerWith({})

  /** Over files in memory. */
  static readonly layerMemory: Layer.Layer<OutageJournal> = OutageJournal.layer.pipe(
    Layer.provide([AppendFiles.layerMemory, Conditions.layerMemory])
  )
}

const waitingTransitions = Metric.gauge("geodns_outages_waiting", {
  description: "Changes of status that wait for the store"
})

const givenUp = Metric.counter("geodns_outages_given_up_total", {
  description: "Outages that were lost because too many changes of status waited for the store",
  incremental: true
})
