import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Semaphore from "effect/Semaphore"
import type { Target } from "../domain/Target.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { makeCompactedFile } from "../node/CompactedFile.ts"
import { Conditions } from "../node/Conditions.ts"
import type { Official } from "./Decision.ts"
import { OutageBacklog } from "./OutageBacklog.ts"
import { outageJournal, readOutageJournal } from "./readOutageJournal.ts"
import { doneRecord, recordBytes, type Transition, transitionRecord, type WaitingTransition } from "./Transition.ts"

/** How many transitions may wait, and of how many bytes. Beyond it outages are given up, a tenth of them at once. */
export interface JournalRoom {
  readonly size: number
  readonly bytes: number
}

/** Room for an outage of 50,000 targets with certificates of five votes, or of one target every second for more than a day. */
export const journalRoom: JournalRoom = { size: 100_000, bytes: 128 * 1024 * 1024 }

/** Records of one write of a rewrite: few enough that none of them holds up the event loop. */
const sliceRecords = 256

const writeCondition = "outages:journal"
const fullCondition = "outages:full"

const make = Effect.fnUntraced(function*(room: JournalRoom) {
  const conditions = yield* Conditions
  const backlog = new OutageBacklog()
  const writing = yield* Semaphore.make(1)
  const some = yield* Latch.make()
  const loaded = yield* readOutageJournal(backlog)
  let last = loaded.last
  const lastRestored = last
  const { renew, write } = yield* makeCompactedFile({
    name: outageJournal,
    goesOn: false,
    records: function*() {
      for (const { number, transition } of backlog.all()) yield transitionRecord(number, transition)
    },
    bytes: () => backlog.bytes,
    slice: sliceRecords,
    condition: writeCondition,
    inMemory:
      "changes of status that wait for the store are in memory only, and the end of the process would lose them",
    turn: writing
  })

  const measure = Effect.suspend(() => Metric.update(waitingTransitions, backlog.size))
  const makeRoom = Effect.gen(function*() {
    const given = backlog.giveUp({ size: Math.floor(room.size * 0.9), bytes: Math.floor(room.bytes * 0.9) })
    yield* countLost("full", given.length)
    yield* Effect.logError("outages are lost: too many changes of status wait for the store").pipe(
      Effect.annotateLogs({ outages: given.length })
    )
    yield* conditions.raise(
      fullCondition,
      "too many changes of status wait for the store: the oldest outages are lost, first those that are over"
    )
    // What was given up must not come back.
    yield* renew
  })

  const add = (transitions: ReadonlyArray<Transition>) =>
    writing.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      const records: Array<string> = []
      for (const transition of transitions) {
        if (!backlog.isNews(transition)) continue
        const record = transitionRecord(++last, transition)
        backlog.add({ number: last, transition, bytes: recordBytes(record) })
        records.push(record)
      }
      if (records.length === 0) return
      if (backlog.size > room.size || backlog.bytes > room.bytes) yield* makeRoom
      yield* write(records, true)
      yield* measure
      yield* some.open
    })))

  const done = ({ number }: WaitingTransition) =>
    writing.withPermit(Effect.uninterruptible(Effect.gen(function*() {
      backlog.remove(number)
      // Not made to last: what a power cut brings back is stored once more, which changes nothing.
      yield* write([doneRecord(number)], false)
      yield* measure
      if (backlog.size === 0) yield* Effect.andThen(some.close, conditions.clear(fullCondition))
    })))

  yield* measure
  if (backlog.size > 0) yield* some.open

  return OutageJournal.of({
    add,
    restored: Effect.sync(() => [...backlog.all()].filter(({ number }) => number <= lastRestored)),
    newest: () => last,
    decisions: loaded.decisions,
    first: Effect.map(some.await, () => backlog.first()!),
    endOf: (waiting) => backlog.endOf(waiting)?.transition,
    has: (target) => backlog.has(target),
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
   * they are on the disk; while it does not take them they wait in memory, and the condition `outages:journal` says so.
   */
  readonly add: (transitions: ReadonlyArray<Transition>) => Effect.Effect<void>
  /** Those from before the start of this process that still wait, in order. */
  readonly restored: Effect.Effect<ReadonlyArray<WaitingTransition>>
  /** The number of the last transition that was taken. */
  readonly newest: () => number
  /**
   * The last decisions on targets that are in the file, whether they wait or are done: the official status may have been
   * killed before it wrote them.
   */
  readonly decisions: ReadonlyArray<Official>
  /** The one that is next. Waits until there is one. */
  readonly first: Effect.Effect<WaitingTransition>
  /** What ends the outage that a transition opens, when that waits too. */
  readonly endOf: (waiting: WaitingTransition) => Transition | undefined
  /** Whether one of this target waits. */
  readonly has: (target: Target) => boolean
  /** The targets that will have an open outage when all is done. */
  readonly downTargets: () => ReadonlyArray<Target>
  /** Takes the first one away: what follows from it is in the store. */
  readonly done: (waiting: WaitingTransition) => Effect.Effect<void>
  /** How many wait. */
  readonly size: () => number
}>()("effect-geodns/status/OutageJournal") {
  /** With room for more or less than {@link journalRoom}. */
  static readonly layerWith = (room: JournalRoom): Layer.Layer<OutageJournal, never, AppendFiles | Conditions> =>
    Layer.effect(OutageJournal, make(room))

  /** In the file `outages.journal`. */
  static readonly layer: Layer.Layer<OutageJournal, never, AppendFiles | Conditions> = OutageJournal.layerWith(
    journalRoom
  )

  /** Over files in memory. */
  static readonly layerMemory: Layer.Layer<OutageJournal> = OutageJournal.layer.pipe(
    Layer.provide([AppendFiles.layerMemory, Conditions.layerMemory])
  )
}

const waitingTransitions = Metric.gauge("geodns_outages_waiting", {
  description: "Changes of status that wait for the store"
})

const givenUp = Metric.counter("geodns_outages_given_up_total", {
  description: "Outages that are lost: too many waited for the store (full), or it refused them (refused)",
  incremental: true
})

/** Counts outages that will never be in the store. */
export const countLost = (reason: "full" | "refused", outages: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(givenUp, { reason }), outages)
