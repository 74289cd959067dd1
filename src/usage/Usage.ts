import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { randomBytes } from "node:crypto"
import { dayOf } from "../domain/wire/Usage.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { StoreError } from "../store/StoreError.ts"
import { UsageStore, type UsageTotal, usageWidths } from "../store/UsageStore.ts"
import { countedText } from "./countedText.ts"
import type { Hit } from "./Hit.ts"
import { type Counted, type UsageBounds, UsageCounter } from "./UsageCounter.ts"

export type { Hit } from "./Hit.ts"

/** What may be set otherwise. */
export interface UsageOptions {
  /** How often the totals go to the store. 5 minutes. */
  readonly flushEvery?: Duration.Input
  readonly bounds?: UsageBounds
}

/** The name of the condition that is raised while totals cannot be stored. */
const condition = "usage"
/** Totals that go to the store at once, and the turn that the event loop waits for. */
const batch = 2_500
/** What the last flush, when the process stops, may take. */
const lastFlush = "10 seconds"
const dayMillis = 86_400_000

const waitingTotals = Metric.gauge("geodns_usage_waiting", {
  description: "Usage totals that have changed since they were stored last"
})
const heldKeys = Metric.gauge("geodns_usage_keys", { description: "Usage keys that are held in memory" })
const collapsedHits = Metric.gauge("geodns_usage_collapsed", {
  description: "Answers that were counted under (other), because there were too many keys"
})

const make = Effect.fnUntraced(function*(options: UsageOptions) {
  const identity = yield* NodeIdentity
  const store = yield* UsageStore
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const counter = new UsageCounter(options.bounds)
  const lock = yield* Semaphore.make(1)

  // No process continues the totals of another: each writer has its own.
  const writer = randomBytes(8).toString("hex")
  const node = countedText(identity.id, usageWidths.nodeId - writer.length - 1)

  let day = ""
  let dayStart = 0
  const record = (hit: Hit): void => {
    const now = clock.currentTimeMillisUnsafe()
    if (day === "" || now < dayStart || now >= dayStart + dayMillis) {
      dayStart = Math.floor(now / dayMillis) * dayMillis
      day = dayOf(dayStart)
    }
    counter.record(hit, day)
  }

  const measure = Effect.suspend(() =>
    Effect.all([
      Metric.update(waitingTotals, counter.waiting),
      Metric.update(heldKeys, counter.keys),
      Metric.update(collapsedHits, counter.collapsed)
    ], { discard: true })
  )

  /** Whatever ends this, what was not stored waits again. */
  const storeBatch = (taken: ReadonlyArray<Counted>) =>
    store.upsert(taken.map((counted) => ({ ...counted, node, writer }))).pipe(
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => counter.putBack(taken)))
    )

  const flush = Effect.fn("Usage.flush")(
    function*() {
      const waiting = counter.waiting
      let stored = 0
      while (stored < waiting) {
        const taken = counter.take(Math.min(batch, waiting - stored))
        yield* storeBatch(taken)
        stored += taken.length
        yield* Effect.yieldNow
      }
      // Others may still ask for yesterday.
      counter.forgetBefore(dayOf(clock.currentTimeMillisUnsafe() - dayMillis))
      yield* conditions.clear(condition)
      return stored
    },
    Effect.tapError((error: StoreError) =>
      conditions.raise(
        condition,
        `usage is not stored (${error.message}); ${counter.waiting} totals wait in memory, and would be lost by a kill -9`
      )
    ),
    Effect.ensuring(measure),
    (effect) => lock.withPermit(effect)
  )()

  const totals = Effect.gen(function*() {
    const all: Array<UsageTotal> = []
    for (const counted of counter.totals()) {
      all.push({ ...counted, node: identity.id })
      if (all.length % batch === 0) yield* Effect.yieldNow
    }
    return all
  })

  // Closes after the loop below has stopped, so it takes what that has put back.
  yield* Effect.addFinalizer(() =>
    flush.pipe(
      Effect.timeout(lastFlush),
      Effect.catchCause((cause) =>
        Effect.logError("usage is lost: it could not be stored when stopping", cause).pipe(
          Effect.annotateLogs({ totals: counter.waiting })
        )
      )
    )
  )
  yield* flush.pipe(
    Effect.catchTag("StoreError", () => Effect.void),
    Effect.catchCause((cause) => Effect.logError("usage could not be stored", cause)),
    Effect.schedule(Schedule.spaced(options.flushEvery ?? "5 minutes")),
    Effect.forkScoped
  )

  return Usage.of({ record, totals, flush })
})

/**
 * Counts the answers of this node per UTC day, and hands the totals to the store on a schedule and at the end.
 *
 * Totals are in memory until they are stored: kill -9 loses what was counted since the last flush, and doubles nothing.
 */
export class Usage extends Context.Service<Usage, {
  /** Synchronous, allocation-light, never awaits: for the hot path. */
  readonly record: (hit: Hit) => void
  /** The totals of this process for today and yesterday, and of older days that are not stored yet. */
  readonly totals: Effect.Effect<ReadonlyArray<UsageTotal>>
  /**
   * Stores all that has changed since the last flush. Succeeds with the number of rows. What could not be stored is kept
   * for the next flush, and the condition `usage` is raised until one succeeds.
   */
  readonly flush: Effect.Effect<number, StoreError>
}>()("effect-geodns/usage/Usage") {
  /** With another interval or other bounds. */
  static readonly layerWith = (
    options: UsageOptions
  ): Layer.Layer<Usage, never, UsageStore | NodeIdentity | Conditions> => Layer.effect(Usage, make(options))

  /** Flushes every 5 minutes, and when it stops. */
  static readonly layer: Layer.Layer<Usage, never, UsageStore | NodeIdentity | Conditions> = Usage.layerWith({})

  /** The same over a store in memory, which is provided too. */
  static readonly layerMemory: Layer.Layer<Usage | UsageStore | Conditions, never, NodeIdentity> = Usage.layer.pipe(
    Layer.provideMerge([UsageStore.layerMemory, Conditions.layerMemory])
  )
}
