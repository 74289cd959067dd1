import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describeTarget, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import type { Observation } from "../status/Observation.ts"
import { Observer } from "../status/Observer.ts"
import { Admission } from "./Admission.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"
import { isSameSubject, type PlannedTarget } from "./PlannedTarget.ts"
import type { ProbeResult } from "./Probe.ts"
import { type Distrusted, isDistrusted } from "./selfTest.ts"

/** Milliseconds that a vote waits for a new probe. */
const voteDeadline = 10_000

/** Observations that a slow reader may leave waiting. */
const backlog = 16_384

/** Milliseconds without such trouble after which this node counts as able to probe again. */
const calm = 60_000

/** An observation and what was planned when its probe started. */
export interface Observed {
  readonly planned: PlannedTarget
  readonly observation: Observation
}

/** One probe that waits or runs. */
interface Flight {
  readonly planned: PlannedTarget
  /** None when it came to nothing: the target is gone, this node could not try, the probe is broken. */
  readonly done: Deferred.Deferred<Option.Option<Observation>>
  readonly due: number
}

/**
 * Probes targets: one at a time per target, a bounded number at once and per member, each with its deadline. Keeps the
 * last observation of each target. Its layer also provides the `Observer` that consensus votes from.
 */
export class Prober extends Context.Service<Prober, {
  /**
   * From now on these are the targets, with at most `workers` probes at once. What is gone, or is another thing under
   * the same name, is forgotten at once, its probe under way included, however long that hangs.
   */
  readonly replan: (targets: ReadonlyMap<TargetKey, PlannedTarget>, workers: number) => Effect.Effect<void>
  /**
   * Lets a target be probed as soon as there is room, unless it is under way. `due`: when it should have started, by the
   * monotonic clock.
   */
  readonly start: (key: TargetKey, due: number) => Effect.Effect<void>
  /** Probes a target as soon as there is room, or joins the probe under way, and waits for what comes of it however long. */
  readonly probe: (key: TargetKey) => Effect.Effect<Option.Option<Observation>>
  /**
   * While an IP version is distrusted, the `Observer` judges no target of it, as for one that is not planned: this node itself
   * is sick. Its probes go on.
   */
  readonly distrust: (versions: Distrusted) => Effect.Effect<void>
  /** Every observation from now on. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<Observed>, never, Scope.Scope>
}>()("effect-geodns/monitor/Prober") {
  static readonly layer: Layer.Layer<Prober | Observer, never, Conditions> = Layer.effectContext(
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const conditions = yield* Conditions
      const observations = yield* PubSub.sliding<Observed>(backlog)
      const fibers = yield* FiberMap.make<TargetKey, void>()
      const run = yield* FiberMap.runtime(fibers)()
      const admission = new Admission(1, 1)
      const flights = new Map<TargetKey, Flight>()
      /** The last observations, with the time of the monotonic clock. */
      const lasts = new Map<TargetKey, { readonly observation: Observation; readonly taken: number }>()
      let targets: ReadonlyMap<TargetKey, PlannedTarget> = new Map()
      let distrusted: Distrusted = { ipv4: false, ipv6: false }
      /** When this node last could not try, while that is a condition. */
      let unableAt: number | undefined

      const now = () => monotonicMillis(clock)

      /** Ends a flight, unless it was given up before. */
      const land = (flight: Flight, observation: Option.Option<Observation>): void => {
        const { key } = flight.planned
        if (flights.get(key) !== flight) return
        flights.delete(key)
        admission.leave(key)
        if (Option.isSome(observation)) {
          lasts.set(key, { observation: observation.value, taken: now() })
          PubSub.publishUnsafe(observations, { planned: flight.planned, observation: observation.value })
        }
        Deferred.doneUnsafe(flight.done, Exit.succeed(observation))
        pump()
      }

      /** A node that cannot open sockets says so, and says nothing about members. */
      const reportOwn = Effect.fnUntraced(function*(result: ProbeResult) {
        if (result.up === undefined) {
          if (result.error === "") return
          unableAt = now()
          yield* conditions.raise("probes", result.error)
        } else if (unableAt !== undefined && now() - unableAt >= calm) {
          unableAt = undefined
          yield* conditions.clear("probes")
        }
      })

      const look = Effect.fnUntraced(function*(flight: Flight) {
        const { planned } = flight
        const { target } = planned
        const start = now()
        yield* Metric.update(metrics.lateness, Math.max(0, start - flight.due) / 1000)
        const result = yield* runInTime(planned)
        const latency = now() - start
        const at = clock.currentTimeMillisUnsafe()
        yield* Metric.update(metrics.duration, latency / 1000)
        yield* Metric.update(metrics.outcomes[result.up === undefined ? "unable" : result.up ? "up" : "down"], 1)
        yield* reportOwn(result)
        if (result.up === undefined) return Option.none()
        const { data, error, up } = result
        return Option.some<Observation>({ target, up, error, data, at, latency })
      })

      const fly = (flight: Flight): Effect.Effect<void> =>
        look(flight).pipe(
          // A broken probe is our fault, not the member's
          Effect.catchCause((cause) =>
            Effect.logError(`the probe of ${describeTarget(flight.planned.target)} is broken`, cause).pipe(
              Effect.andThen(Metric.update(metrics.outcomes.defect, 1)),
              Effect.as(Option.none())
            )
          ),
          Effect.flatMap((observation) => Effect.sync(() => land(flight, observation)))
        )

      /** Starts what may start. */
      const pump = (): void => {
        for (let key = admission.next(); key !== undefined; key = admission.next()) {
          const flight = flights.get(key as TargetKey)!
          run(flight.planned.key, fly(flight))
        }
      }

      const launch = (planned: PlannedTarget, due: number): Flight => {
        const flight: Flight = { planned, done: Deferred.makeUnsafe(), due }
        flights.set(planned.key, flight)
        admission.enter(planned.key, planned.target.member)
        pump()
        return flight
      }

      const giveUp = (flight: Flight): void => {
        const fiber = FiberMap.getUnsafe(fibers, flight.planned.key)
        land(flight, Option.none())
        if (Option.isSome(fiber)) fiber.value.interruptUnsafe()
      }

      const replan: Prober["Service"]["replan"] = (next, workers) =>
        Effect.sync(() => {
          const stays = (planned: PlannedTarget): boolean => {
            const after = next.get(planned.key)
            return after !== undefined && isSameSubject(planned, after)
          }
          const gone = [...targets.values()].filter((planned) => !stays(planned))
          targets = next
          for (const { key } of gone) {
            lasts.delete(key)
            const flight = flights.get(key)
            if (flight !== undefined) giveUp(flight)
          }
          admission.resize(workers, perMember(workers))
          pump()
        })

      const start: Prober["Service"]["start"] = (key, due) =>
        Effect.suspend(() => {
          const planned = targets.get(key)
          if (planned === undefined) return Effect.void
          if (flights.has(key)) return Metric.update(metrics.skipped, 1)
          launch(planned, due)
          return Effect.void
        })

      const flightOf = (planned: PlannedTarget): Flight => flights.get(planned.key) ?? launch(planned, now())

      const observe: Observer["Service"]["observe"] = (target, freshFor, mayProbe = () => true) =>
        Effect.suspend(() => {
          const planned = targets.get(targetKey(target))
          const isTrusted = () => !isDistrusted(distrusted, target)
          if (planned === undefined || !isTrusted()) return Effect.succeed(Option.none<Observation>())
          const last = lasts.get(planned.key)
          if (last !== undefined && now() - last.taken <= freshFor) {
            return Effect.succeed(Option.some(last.observation))
          }
          if (!flights.has(planned.key) && !mayProbe()) return Effect.succeed(Option.none<Observation>())
          return Deferred.await(flightOf(planned).done).pipe(
            Effect.timeoutOrElse({ duration: voteDeadline, orElse: () => Effect.succeed(Option.none()) }),
            Effect.map(Option.filter(isTrusted))
          )
        })

      return Context.make(
        Prober,
        Prober.of({
          replan,
          start,
          probe: (key) =>
            Effect.suspend(() => {
              const planned = targets.get(key)
              return planned === undefined ? Effect.succeedNone : Deferred.await(flightOf(planned).done)
            }),
          distrust: (versions) => Effect.sync(() => void (distrusted = versions)),
          subscribe: Effect.map(PubSub.subscribe(observations), Stream.fromSubscription)
        })
      ).pipe(Context.add(Observer, Observer.of({ observe: Effect.fn("Observer.observe")(observe) })))
    })
  )
}

/** At most an eighth of the workers is busy with one member, and never more than 16; always room for 2. */
const perMember = (workers: number): number => Math.max(2, Math.min(16, Math.ceil(workers / 8)))

/** Runs the probe of a target, which its deadline ends whatever the member does. */
export const runInTime = (planned: PlannedTarget): Effect.Effect<ProbeResult> =>
  planned.check.run(planned).pipe(
    Effect.timeoutOrElse({
      duration: planned.check.timeout,
      orElse: () => Effect.succeed(late(planned.check.timeout))
    })
  )

const late = (timeout: number): ProbeResult => ({
  up: false,
  error: `no complete answer within ${Number((timeout / 1000).toPrecision(3))} s`,
  data: null
})
