import type { TimeoutError } from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Conditions } from "../node/Conditions.ts"
import type { AlertStore, DeadLetter, StoredThread } from "../store/AlertStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import { type AlertThread, decodeThread, encodeThread } from "./AlertThread.ts"
import type { Threads } from "./Threads.ts"

/** What the store may take for one thing that can wait. */
const patience = "30 seconds"
/** How long an outage waits until it is known what was told of it. */
const readPatience = "5 seconds"
/** After it did not say that it is not asked for so long, in milliseconds: a storm would wait for each of its outages. */
const restAfterRead = 10_000
/** How long a message waits until it is stored that it is about to be sent. */
const announcePatience = "2 seconds"
/** What storing the last changes, when the process stops, may take. */
const lastSave = "5 seconds"
const condition = "alerts:store"

/** One second, doubling to one minute. */
const backOff = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")])

type Trouble = StoreError | TimeoutError

const isBroken = (error: Trouble): boolean => error._tag === "StoreError" && error.reason._tag === "BadRow"
const problemOf = (error: Trouble): string => error._tag === "StoreError" ? error.problem : error.message

/** What alerts have in the store, and how long they wait for it: people are told whether it answers or not. */
export const makeStoredThreads = ({ conditions, isMine, store, threads }: {
  readonly store: AlertStore["Service"]
  readonly threads: Threads
  readonly conditions: Conditions["Service"]
  /** Whether this process tells. */
  readonly isMine: Effect.Effect<boolean>
}) => {
  /** Until when it is not asked what was told, in milliseconds since the epoch. */
  let isAwayUntil = 0

  /** Tries until the store answers, and says meanwhile that it does not. Fails only when what it holds is broken. */
  const insist = <A>(what: string, effect: Effect.Effect<A, StoreError>): Effect.Effect<A, Trouble> =>
    effect.pipe(
      Effect.timeout(patience),
      Effect.tapError((error) => conditions.raise(condition, `cannot ${what}: ${problemOf(error)}; it is tried again`)),
      Effect.retry({ schedule: backOff, while: (error) => !isBroken(error) }),
      Effect.ensuring(conditions.clear(condition))
    )

  const take = (stored: StoredThread): Effect.Effect<void> =>
    Result.match(decodeThread(stored.thread), {
      onSuccess: (thread) => Effect.sync(() => threads.load(thread)),
      onFailure: (problem) =>
        Effect.logWarning("a stored alert thread cannot be read and begins anew").pipe(
          Effect.annotateLogs({ outage: stored.outage, problem })
        )
    })

  /** What is stored of an outage. Nothing when the store does not say it soon: it is told, perhaps again with the same key. */
  const find = Effect.fnUntraced(function*(id: string) {
    if ((yield* Clock.currentTimeMillis) < isAwayUntil) return undefined
    const read = yield* Effect.result(Effect.timeout(store.get(id), readPatience))
    if (read._tag === "Success") {
      if (isAwayUntil > 0) yield* conditions.clear(condition)
      isAwayUntil = 0
      return read.success
    }
    if (!isBroken(read.failure)) isAwayUntil = (yield* Clock.currentTimeMillis) + restAfterRead
    yield* conditions.raise(
      condition,
      `cannot read what was told of an outage: ${problemOf(read.failure)}; it is told, perhaps again`
    )
    return undefined
  })

  /** Takes up what is not finished. */
  const takeUp = insist("read the alert threads", Stream.runCollect(store.unfinished)).pipe(
    Effect.flatMap(Effect.forEach(take, { discard: true })),
    Effect.catchCause((cause) => Effect.logError("alerts may repeat: what was told before cannot be read", cause))
  )

  const save = (thread: AlertThread): Effect.Effect<void, StoreError> =>
    Effect.suspend(() => {
      const finished = threads.isFinished(thread)
      return store.save({ outage: thread.outage.id, thread: encodeThread(thread), finished }).pipe(
        Effect.tap(() => Effect.sync(() => threads.stored(thread, finished)))
      )
    })
  /** Nothing while somebody else tells: what is stored is newer then. */
  const saveChanged = Effect.flatMap(
    isMine,
    (isOurs) => isOurs ? Effect.forEach(threads.changed(), save, { discard: true }) : Effect.void
  )
  const notStored = Effect.catchCause((cause) =>
    Effect.logError("alerts may repeat: what was told could not be stored", cause)
  )

  return {
    insist,
    take,
    find,
    takeUp,
    /** Stores what has changed, however long it takes. */
    save: insist("store the alert threads", saveChanged).pipe(notStored),
    /** The same when the process stops. */
    saveLast: saveChanged.pipe(Effect.timeout(lastSave), notStored),
    /** Stores that somebody is about to be told. People are told whether it can be stored or not. */
    announce: (thread: AlertThread) =>
      save(thread).pipe(
        Effect.timeout(announcePatience),
        Effect.catchCause((cause) => Effect.logDebug("that an alert is about to be sent could not be stored", cause))
      ),
    /** Keeps a message that was refused for good, however long it takes. */
    bury: (letter: DeadLetter) =>
      insist("keep an alert that was refused", store.bury(letter)).pipe(
        Effect.catchCause((cause) => Effect.logError("an alert that was refused could not be kept", cause))
      )
  }
}
