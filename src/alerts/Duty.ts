import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { AlertStore } from "../store/AlertStore.ts"

/** How long the duty is held without being renewed, and how often it is asked for. */
const leaseFor = Duration.seconds(30)
const askEvery = Duration.seconds(10)
/** What the store may take to say whose it is. */
const patience = Duration.seconds(5)

const lease = "alerts"
const condition = "alerts:duty"

const onDuty = Metric.gauge("geodns_alert_duty", {
  description: "Whether this collator tells the alerts of all that share its database: 1 or 0"
})

interface State {
  readonly isMine: boolean
  /** Until when it is known whose it is, in milliseconds since the epoch. */
  readonly until: number
  /** Nobody can say whose it is. */
  readonly failedOpen: boolean
}

/**
 * Which of several collators that share a database tells people. It fails open: when nobody can say whose duty it is, all
 * that are there tell, since twice is better than not at all.
 */
export class Duty extends Context.Service<Duty, {
  /** Whether it is ours at this moment. Not any more when it was not renewed in time, as after the process stood still. */
  readonly isMine: Effect.Effect<boolean>
  /** Done as soon as nobody can say whose it is. */
  readonly failedOpen: Effect.Effect<void>
  /** Whether it is ours: as it is, once that is known, and with each change. */
  readonly changes: Stream.Stream<boolean>
}>()("effect-geodns/alerts/Duty") {
  /**
   * A lease of 30 seconds in the store by the name of this node, renewed every 10, and given back at the end: a node that
   * was killed has it again at once, and another takes it over within 40 seconds.
   */
  static readonly layer: Layer.Layer<Duty, never, AlertStore | NodeIdentity | Conditions> = Layer.effect(
    Duty,
    Effect.gen(function*() {
      const store = yield* AlertStore
      const conditions = yield* Conditions
      const { id } = yield* NodeIdentity
      const startedAt = yield* Clock.currentTimeMillis
      const length = Duration.toMillis(leaseFor)
      // Nobody knows at first, and that is not said: the store may need a moment.
      const state = yield* SubscriptionRef.make<State | undefined>(undefined)

      const set = Effect.fnUntraced(function*(next: State) {
        const before = yield* SubscriptionRef.get(state)
        yield* SubscriptionRef.set(state, next)
        yield* Metric.update(onDuty, next.isMine ? 1 : 0)
        // That the only collator there is tells is no news.
        if ((before?.isMine ?? true) === next.isMine) return
        yield* Effect.logInfo(
          next.isMine ? "this node tells the alerts" : "another collator tells the alerts"
        )
      })
      const ask = Effect.gen(function*() {
        const asked = yield* Clock.currentTimeMillis
        const holder = yield* store.lease(lease, id, length).pipe(Effect.timeout(patience))
        yield* set({ isMine: holder === id, until: asked + length, failedOpen: false })
        yield* conditions.clear(condition)
      })
      const failOpen = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const known = yield* SubscriptionRef.get(state)
        if (known?.failedOpen !== true && now < (known?.until ?? startedAt + length)) return
        yield* set({ isMine: true, until: now + length, failedOpen: true })
        yield* conditions.raise(
          condition,
          "the store does not say which collator tells the alerts: this one does, and others may tell the same"
        )
      })
      yield* Effect.addFinalizer(() =>
        store.release(lease, id).pipe(
          Effect.timeout(patience),
          Effect.ignore,
          Effect.andThen(conditions.clear(condition))
        )
      )
      yield* ask.pipe(
        Effect.catchCause((cause) =>
          Effect.andThen(Effect.logDebug("whose duty the alerts are is not known", cause), failOpen)
        ),
        Effect.repeat(Schedule.spaced(askEvery)),
        Effect.forkScoped({ startImmediately: true })
      )
      return Duty.of({
        isMine: Effect.gen(function*() {
          const known = yield* SubscriptionRef.get(state)
          return known !== undefined && known.isMine && (yield* Clock.currentTimeMillis) < known.until
        }),
        failedOpen: SubscriptionRef.changes(state).pipe(
          Stream.takeUntil((known) => known?.failedOpen === true),
          Stream.runDrain
        ),
        changes: SubscriptionRef.changes(state).pipe(
          Stream.filter((known) => known !== undefined),
          Stream.map(({ isMine }) => isMine),
          Stream.changes
        )
      })
    })
  )

  /** Nobody else is there. */
  static readonly layerAlways: Layer.Layer<Duty> = Layer.succeed(Duty, {
    isMine: Effect.succeed(true),
    failedOpen: Effect.never,
    changes: Stream.concat(Stream.make(true), Stream.never)
  })
}
