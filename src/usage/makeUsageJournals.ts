import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { randomBytes } from "node:crypto"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { usageWidths } from "../store/UsageStore.ts"
import { countedText } from "./countedText.ts"
import { DayClock } from "./DayClock.ts"
import type { DayCounter } from "./DayCounter.ts"
import type { Hit } from "./Hit.ts"
import { makeJournalFolder } from "./journalFolder.ts"
import { type JournalName, lockOf, nameOf, processOf } from "./journalNames.ts"
import { journalsProblem } from "./journalsProblem.ts"
import { type JournalWriter, makeJournalWriter } from "./JournalWriter.ts"
import { UsageCounter } from "./UsageCounter.ts"
import type { UsageJournals, UsageJournalsOptions } from "./UsageJournals.ts"
import type { UsageTable } from "./UsageTable.ts"

/** How long changes gather before they are written: with the write itself less than a second. */
const writeEvery = "500 millis"
/** How long after a write that has failed the next one waits. */
const writeAgain = "5 seconds"
/** How often the disk is waited for at most. */
const syncEvery = "1 second"
/** How long a rewrite that has failed waits for the next attempt. Milliseconds. */
const rewriteAgain = 60_000
const lastWrite = "10 seconds"
const dayMillis = 86_400_000
/** What a writer's name may take of the column that holds node and writer. */
const writerWidth = 24

const journalCondition = "usage:journal"
const clockCondition = "usage:clock"
const folderCondition = "usage:journals"

interface WithMessage {
  readonly message: string
}

/** Makes the service `UsageJournals`. */
export const makeUsageJournals = Effect.fnUntraced(function*(options: UsageJournalsOptions) {
  const identity = yield* NodeIdentity
  const files = yield* AppendFiles
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  // Files and the lock stay until the last write is over.
  const filesScope = yield* Scope.make()

  const ownProcess = randomBytes(8).toString("hex")
  const node = countedText(identity.id, usageWidths.nodeId - writerWidth - 1)
  const counter = new UsageCounter(ownProcess, options.bounds)
  const folder = yield* makeJournalFolder
  const writers = new Map<DayCounter, JournalWriter>()
  const changed = yield* Latch.make()
  const unsynced = yield* Latch.make()
  const passes = yield* Semaphore.make(1)

  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const dayClock = new DayClock(clock.currentTimeMillisUnsafe(), monotonic())
  let day = ""
  let dayStart = 0
  const lookAtClock = (now: number): void => {
    day = dayClock.dayAt(now, monotonic())
    dayStart = Date.parse(day)
  }
  lookAtClock(clock.currentTimeMillisUnsafe())
  const record = (hit: Hit): void => {
    const now = clock.currentTimeMillisUnsafe()
    if (now < dayStart || now >= dayStart + dayMillis) lookAtClock(now)
    if (counter.record(hit, day)) changed.openUnsafe()
  }

  const checkClock = Effect.suspend(() => {
    lookAtClock(clock.currentTimeMillisUnsafe())
    counter.endBefore(day)
    const { problem } = dayClock
    return problem === undefined ? conditions.clear(clockCondition) : conditions.raise(
      clockCondition,
      `the clock is ${Math.round(Math.abs(problem) / 1000)} s ${
        problem > 0 ? "ahead of" : "behind"
      } where it was going: was it set? Answers count on ${day} until it has gone on steadily for ten minutes`
    )
  })

  // The journals of who holds no lock are taken for those of a dead process.
  let isLocked = false
  const lock = Effect.suspend(() =>
    isLocked ? Effect.void : Effect.map(
      Scope.provide(files.lock(lockOf(ownProcess), `usage of ${node}`), filesScope),
      () => {
        isLocked = true
      }
    )
  )

  const writerOf = Effect.fnUntraced(function*(counter: DayCounter) {
    const known = writers.get(counter)
    if (known !== undefined) return known
    const writer = yield* Effect.provideService(makeJournalWriter(node, counter), AppendFiles, files)
    writers.set(counter, writer)
    return writer
  })

  /** Tells whether the disk takes what is counted. */
  const report = (problems: ReadonlyArray<string>) =>
    problems.length === 0 ? conditions.clear(journalCondition) : conditions.raise(
      journalCondition,
      `${
        problems[0]
      }. Counting goes on in memory; what is not written yet (${waiting()} totals) would be lost by a kill -9`
    )
  const waiting = (): number => counter.counters.reduce((all, it) => all + it.changed, 0)

  const problems = new Map<DayCounter, string>()
  const watch = <E extends WithMessage>(of: DayCounter, writer: JournalWriter, effect: Effect.Effect<void, E>) =>
    effect.pipe(
      Effect.match({ onSuccess: writer.doubt, onFailure: (error) => error.message }),
      Effect.map((problem) => problem === undefined ? problems.delete(of) : problems.set(of, problem)),
      Effect.tap(() =>
        Effect.sync(() => {
          of.table.isAdrift = problems.has(of)
        })
      ),
      Effect.asVoid
    )

  /** Writes all that has changed, and lets go of days that are over and written. */
  const write = passes.withPermit(Effect.gen(function*() {
    yield* checkClock
    for (const of of counter.counters) {
      const writer = yield* writerOf(of)
      yield* watch(of, writer, Effect.andThen(lock, writer.write))
      if (of === counter.today || of.changed > 0) continue
      yield* watch(of, writer, writer.sync)
      if (problems.has(of)) continue
      counter.drop(of)
      writers.delete(of)
      yield* writer.close
    }
    yield* report([...problems.values()])
    unsynced.openUnsafe()
  }))

  const syncAll = Effect.suspend(() =>
    Effect.forEach(
      [...writers.values()],
      (writer) =>
        Effect.catch(writer.sync, (error) =>
          Effect.logError("a usage journal could not be brought onto the disk", error)),
      { discard: true }
    )
  )

  let noRewriteBefore = 0
  const rewrite = Effect.suspend(() => {
    const now = monotonic()
    const wanting = now < noRewriteBefore ? undefined : [...writers.values()].find((it) => it.wantsRewrite())
    return wanting === undefined ? Effect.void : Effect.catch(wanting.rewrite, (error) => {
      noRewriteBefore = now + rewriteAgain
      return Effect.logWarning("a usage journal could not be rewritten; the old one goes on", error)
    })
  })

  const liveOf = (journal: JournalName): DayCounter | undefined =>
    counter.counters.find(({ table }) => table.day === journal.day && table.writer === journal.writer)

  const table = (journal: JournalName) => {
    const live = liveOf(journal)
    return live === undefined ? folder.table(journal) : Effect.succeed(live.table)
  }

  const list = Effect.fn("UsageJournals.list")(function*(from = "", to = "9999") {
    const live = counter.counters.filter(({ table }) => table.rows > 0).map(({ table }): JournalName => ({
      day: table.day,
      writer: table.writer,
      stored: false
    }))
    const isLive = new Set(live.map(nameOf))
    const found = (yield* folder.journals).filter((journal) => !isLive.has(nameOf(journal)))
    return [...live, ...found]
      .filter((journal) => journal.day >= from && journal.day <= to)
      .sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
  })

  /** A journal of this process needs no lock: it has one. */
  const claim = (journal: JournalName) =>
    processOf(journal.writer) === ownProcess
      ? Effect.succeed(true)
      : Effect.isSuccess(files.lock(lockOf(journal.writer), `storing the usage of ${journal.writer}`))

  const acknowledge = Effect.fn("UsageJournals.acknowledge")(
    function*(journal: JournalName, table: UsageTable, generation: number) {
      const live = liveOf(journal)
      const writer = live === undefined ? undefined : writers.get(live)
      if (writer !== undefined) return yield* writer.acknowledge(generation)
      if (live !== undefined) return
      yield* folder.acknowledge(journal, table, generation)
    },
    // Not while a day that is over is let go of.
    passes.withPermit
  )

  let prunedAt = monotonic()
  const prune = Effect.fnUntraced(function*({ unstored }: { readonly unstored: boolean }) {
    // Lets go of a day that is over, also when nothing is counted since.
    yield* write
    const ran = monotonic() - prunedAt
    prunedAt += ran
    const left = yield* folder.prune({
      ran,
      unstored,
      ownProcess,
      isWritten: (journal) => liveOf(journal) !== undefined
    })
    const problem = journalsProblem(left, day, unstored)
    yield* problem === undefined ? conditions.clear(folderCondition) : conditions.raise(folderCondition, problem)
  })

  yield* Effect.addFinalizer(() =>
    Effect.andThen(write, syncAll).pipe(
      Effect.timeout(lastWrite),
      Effect.catchCause((cause) => Effect.logError("the last of the usage could not be written", cause)),
      Effect.andThen(Effect.forEach(writers.values(), (writer) => writer.close, { discard: true })),
      Effect.andThen(Scope.close(filesScope, Exit.void))
    )
  )
  const forever = (step: Effect.Effect<void>) =>
    step.pipe(
      Effect.catchCause((cause) => Effect.logError("usage journals", cause)),
      Effect.forever,
      Effect.forkScoped
    )
  yield* forever(Effect.gen(function*() {
    yield* changed.await
    yield* Effect.sleep(problems.size === 0 ? writeEvery : writeAgain)
    yield* changed.close
    yield* write
    if (waiting() > 0) yield* changed.open
  }))
  yield* forever(Effect.gen(function*() {
    yield* unsynced.await
    yield* unsynced.close
    yield* syncAll
    yield* rewrite
    yield* Effect.sleep(syncEvery)
  }))

  const service: UsageJournals["Service"] = {
    record,
    node,
    sync: Effect.andThen(write, syncAll),
    onDisk: syncAll,
    list,
    table,
    claim,
    acknowledge,
    prune,
    stats: () => ({ collapsed: counter.collapsed, keys: counter.keys, waiting: waiting() })
  }
  return service
})
