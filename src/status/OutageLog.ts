import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { isOverrideRecord } from "../domain/Override.ts"
import { describeTarget, type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { StoreError } from "../store/StoreError.ts"
import type { Official } from "./Decision.ts"
import { KnownTargets } from "./KnownTargets.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { OpenOutages } from "./OpenOutages.ts"

/** Turns changes of official status into outages, and writes them to the store. Collators and standalone only. */
export class OutageLog extends Context.Service<OutageLog, {
  /** The outages that are open now, as they are in the store. */
  readonly open: Effect.Effect<ReadonlyArray<Outage>>
  /**
   * Openings and closings from now on, each after it is in the store. In place when the effect succeeds; a slow reader
   * loses the oldest.
   */
  readonly subscribe: Effect.Effect<Stream.Stream<OutageEvent>, never, Scope.Scope>
}>()("effect-geodns/status/OutageLog") {
  /**
   * Takes up the outages that are open in the store, brings them in line with the official status, and follows its
   * changes. An outage also ends when its target leaves the documents, as no decision would end it. While the store is away everything waits in order, and the condition `store:outages` says how much.
   */
  static readonly layer: Layer.Layer<OutageLog, never, OfficialStatus | OutageStore | Config | Conditions> = Layer
    .effect(
      OutageLog,
      Effect.gen(function*() {
        const official = yield* OfficialStatus
        const store = yield* OutageStore
        const config = yield* Config
        const conditions = yield* Conditions
        const known = yield* KnownTargets
        const outages = new OpenOutages()
        const waiting = yield* Queue.bounded<Official | typeof documents>(maxWaiting)
        const events = yield* PubSub.sliding<OutageEvent>(maxEvents)

        /** Tries until it succeeds, or until the store has refused this very thing often enough. */
        const persist = <A>(what: string, attempt: Effect.Effect<A, Trouble>): Effect.Effect<A, Trouble> =>
          Effect.suspend(() => {
            let refusals = 0
            return attempt.pipe(
              Effect.timeoutOrElse({
                duration: statementTimeout,
                orElse: () => Effect.fail({ problem: "the store does not answer", isRefusal: false })
              }),
              Effect.tapError(({ problem }) => {
                const behind = Queue.sizeUnsafe(waiting)
                return Effect.andThen(
                  Metric.update(queued, behind + 1),
                  conditions.raise("store:outages", `cannot ${what}: ${problem}; ${behind} more wait`)
                )
              }),
              Effect.retry({ schedule: backOff, while: (trouble) => !trouble.isRefusal || ++refusals < maxRefusals }),
              Effect.tap(() => Effect.andThen(Metric.update(queued, 0), conditions.clear("store:outages")))
            )
          })

        const openOf = (target: Target): Effect.Effect<Outage | undefined, Trouble> =>
          store.find({ target, open: true }).pipe(
            Stream.runHead,
            Effect.map(Option.getOrUndefined),
            Effect.mapError(troubleOf)
          )

        /** Opens an outage, or finds the one that another process opened for this target. */
        const open = (outage: Outage): Effect.Effect<Outage, Trouble> =>
          Effect.matchEffect(store.open(outage), {
            onSuccess: () => Effect.succeed(outage),
            onFailure: (error) =>
              error.reason._tag !== "AlreadyOpen" ? Effect.fail(troubleOf(error)) : Effect.flatMap(
                openOf(outage.target),
                (stored) => stored === undefined ? Effect.fail(justClosed) : Effect.succeed(stored)
              )
          })

        /** Stores what follows from a status, or from nobody serving the target any more, and gives it as it is stored. */
        const write = Effect.fnUntraced(function*({ _tag, outage }: OutageEvent, status: Official | undefined) {
          const target = describeTarget(outage.target)
          if (outage.end === undefined) {
            return { _tag, outage: yield* persist(`open an outage of ${target}`, open(outage)) }
          }
          const close = store.close(outage.id, outage.end, outage.blip, status)
          // False when another process closed it first: then it is closed all the same.
          yield* persist(`close the outage of ${target}`, Effect.mapError(close, troubleOf))
          return { _tag, outage }
        })

        const commit = (written: OutageEvent) => {
          outages.commit(written)
          return Effect.asVoid(Effect.andThen(Metric.update(opened, outages.size), PubSub.publish(events, written)))
        }

        /** What could not be done for one outage is said, and costs no other one. */
        const guarded = <R>(effect: Effect.Effect<void, Trouble, R>, about: Outage | Official) =>
          effect.pipe(
            Effect.catch((trouble) =>
              Effect.logError("an outage is lost: the store refuses it").pipe(
                Effect.annotateLogs({ about: JSON.stringify(about), problem: trouble.problem }),
                Effect.andThen(conditions.clear("store:outages")),
                Effect.andThen(
                  conditions.raise(
                    "outages:refused",
                    `the store refuses an outage of ${describeTarget(about.target)}, see the log: ${trouble.problem}`
                  )
                )
              )
            ),
            Effect.catchCause((cause) => Effect.logError("an outage was not written", cause))
          )

        const minimumOffline = Effect.map(config.current, ({ local }) => local.System.MinimumOfflineTime * 1_000)

        const settle = (status: Official) =>
          guarded(
            Effect.gen(function*() {
              const event = outages.next(status, yield* minimumOffline)
              if (event !== undefined) yield* commit(yield* write(event, status))
            }),
            status
          )

        /** Ends the outages of targets that the documents do not know any more. */
        const closeOrphans = Effect.gen(function*() {
          const isKnown = known(yield* config.current)
          const orphans = outages.orphans(isKnown, yield* Clock.currentTimeMillis, yield* minimumOffline)
          yield* Effect.forEach(
            orphans,
            (event) => guarded(Effect.flatMap(write(event, undefined), commit), event.outage),
            { discard: true }
          )
        })

        const takeUp = persist(
          "read the open outages",
          store.find({ open: true }).pipe(Stream.filter(isOutage), Stream.runCollect, Effect.mapError(troubleOf))
        ).pipe(
          Effect.catch((trouble) =>
            Effect.as(conditions.raise("outages:refused", `open outages cannot be read: ${trouble.problem}`), [])
          )
        )

        // What changes after this point comes by the subscription; what comes twice opens and closes nothing twice.
        const changes = yield* official.subscribe
        const atStart = [...(yield* official.all).values()].filter(isOutage).sort((a, b) => a.decidedAt - b.decidedAt)
        /**
         * An outage that opened after our status was decided: we were away, or were killed before our file was written.
         * The status from before it does not close it; the decision that opened it is taken up instead.
         */
        const restoreMissed = Effect.fnUntraced(function*(open: ReadonlyArray<Outage>) {
          const isKnown = known(yield* config.current)
          const statusAt = new Map(atStart.map((status) => [targetKey(status.target), status.decidedAt]))
          const missed = new Set<TargetKey>()
          for (const { data, error, id, start, target, votes } of open) {
            const key = targetKey(target)
            if ((statusAt.get(key) ?? -Infinity) >= start || !isKnown(target)) continue
            const down = { id, target, up: false, error, data, decidedAt: start, decidedBy: "", votes }
            if ((yield* official.restore(down)) !== undefined) missed.add(key)
          }
          return missed
        })
        yield* Stream.runForEach(
          changes,
          ({ after }) => isOutage(after) ? Queue.offer(waiting, after) : Effect.void
        ).pipe(Effect.forkScoped)
        yield* Stream.runForEach(config.changes, () => Queue.offer(waiting, documents)).pipe(
          Effect.forkScoped({ startImmediately: true })
        )
        yield* Effect.gen(function*() {
          const open = yield* takeUp
          for (const outage of open) outages.commit({ _tag: "Opened", outage })
          const missed = yield* restoreMissed(open)
          yield* Effect.forEach(
            atStart,
            (status) => missed.has(targetKey(status.target)) ? Effect.void : settle(status),
            {
              discard: true
            }
          )
          yield* closeOrphans
          yield* Queue.take(waiting).pipe(
            Effect.flatMap((next) => next === documents ? closeOrphans : settle(next)),
            Effect.forever
          )
        }).pipe(Effect.forkScoped)

        return OutageLog.of({
          open: Effect.sync(() => outages.all()),
          subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
        })
      })
    )

  /** Over a store, an official status and a configuration in memory. */
  static readonly layerMemory: Layer.Layer<OutageLog | OfficialStatus | OutageStore | Conditions, ConfigError> =
    OutageLog.layer.pipe(
      Layer.provideMerge([OfficialStatus.layer, OutageStore.layerMemory]),
      Layer.provide([Config.layerMemory(), DurableFiles.layerMemory]),
      Layer.provideMerge(Conditions.layerMemory)
    )
}

/** What `OverrideLog` keeps in the same table is not for this log to open or close, whoever decides on such a target. */
const isOutage = ({ target }: Outage | Official): boolean => !isOverrideRecord(target)

/** Stands in the queue for a new version of the documents. */
const documents = "documents"

/** Statuses that wait here for the store; more wait, merged if need be, in the subscription to the official status. */
const maxWaiting = 10_000

/** Events that wait for a slow subscriber. */
const maxEvents = 16_384

/** How often something that the store refuses for what it is, not for its own state, is tried before it is given up. */
const maxRefusals = 10

const statementTimeout = "30 seconds"

/** One second, doubling to half a minute. */
const backOff = Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")]).pipe(Schedule.jittered)

interface Trouble {
  readonly problem: string
  /** The store works, but does not take or give this row. */
  readonly isRefusal: boolean
}

const troubleOf = (error: StoreError): Trouble => {
  const { reason } = error
  if (reason._tag !== "Database") return { problem: error.message, isRefusal: true }
  const kind = reason.error.reason._tag
  return { problem: reason.error.message, isRefusal: kind === "ConstraintError" || kind === "UniqueViolation" }
}

/** It was open when we wanted to open ours, and is not any more: try again. */
const justClosed: Trouble = { problem: "another process has just closed one of this target", isRefusal: false }

const opened = Metric.gauge("geodns_outages_open", { description: "Outages that are open in the store" })

const queued = Metric.gauge("geodns_outages_waiting", { description: "Status changes that wait for the store" })
