import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import type { Outage, OutageEvent } from "../domain/Outage.ts"
import { isOverrideRecord } from "../domain/Override.ts"
import { describeTarget, type TargetKey, targetKey } from "../domain/Target.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { Official } from "./Decision.ts"
import { KnownTargets } from "./KnownTargets.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { endedAt, type EndedOutage, OpenOutages } from "./OpenOutages.ts"
import { OutageJournal } from "./OutageJournal.ts"
import { makeOutageWriter } from "./OutageWriter.ts"
import { targetOf, type Transition, type WaitingTransition } from "./Transition.ts"

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
   * Takes up the outages that are open in the store, brings them in line with the official status, and follows its changes.
   * An outage also ends when its target leaves the documents, as no decision would end it. What the store has not taken
   * yet waits in order in `outages.journal`, over restarts; the condition `store:outages` says why and how much.
   */
  static readonly layer: Layer.Layer<
    OutageLog,
    never,
    OfficialStatus | OutageStore | Config | Conditions | AppendFiles
  > = Layer.effect(
    OutageLog,
    Effect.gen(function*() {
      const official = yield* OfficialStatus
      const config = yield* Config
      const conditions = yield* Conditions
      const known = yield* KnownTargets
      const journal = yield* OutageJournal
      const writer = makeOutageWriter({ store: yield* OutageStore, conditions, waiting: journal.size })
      const outages = new OpenOutages()
      const events = yield* PubSub.sliding<OutageEvent>(maxEvents)

      const minimumOffline = Effect.map(config.current, ({ local }) => local.System.MinimumOfflineTime * 1_000)
      const isKnown = Effect.map(config.current, known)

      const commit = (event: OutageEvent) => {
        outages.commit(event)
        return Effect.andThen(Metric.update(opened, outages.size), PubSub.publish(events, event))
      }

      /** Stores what follows from a transition. `ending` gives what ends an outage that it opens, if that is known. */
      const settle = (transition: Transition, ending: () => Transition | undefined) =>
        Effect.gen(function*() {
          const event = followsFrom(transition, outages, yield* minimumOffline)
          if (event === undefined) return
          const { outage } = event
          const happened = isEnded(outage)
            ? yield* writer.end({ outage, decision: decisionOf(transition) })
            : yield* writer.begin(outage, () =>
              Effect.map(minimumOffline, (minimum) => {
                const end = ending()
                return end && { outage: endedAt(outage, timeOf(end), minimum), decision: decisionOf(end) }
              }))
          yield* Effect.forEach(happened, commit, { discard: true })
        }).pipe(
          // What could not be done for one outage is said, and costs no other one.
          Effect.catch((trouble) =>
            Effect.logError("an outage is lost: the store refuses it").pipe(
              Effect.annotateLogs({ about: JSON.stringify(transition), problem: trouble.problem }),
              Effect.andThen(conditions.clear("store:outages")),
              Effect.andThen(
                conditions.raise(
                  "outages:refused",
                  `the store refuses an outage of ${
                    describeTarget(targetOf(transition))
                  }, see the log: ${trouble.problem}`
                )
              )
            )
          ),
          Effect.catchCause((cause) => Effect.logError("an outage was not written", cause))
        )

      const settleWaiting = (waiting: WaitingTransition) =>
        Effect.andThen(settle(waiting.transition, () => journal.endOf(waiting)), journal.done(waiting))

      /**
       * The same for one from before the start, of which everything may have been stored already: it does not close an
       * outage that began after it.
       */
      const settleRestored = (waiting: WaitingTransition) => {
        const { transition } = waiting
        const open = outages.get(targetKey(targetOf(transition)))
        const isPast = open !== undefined && timeOf(transition) <= open.start
        return isPast ? journal.done(waiting) : settleWaiting(waiting)
      }

      /** Ends the outages, open or waiting to be opened, of targets that the documents do not know any more. */
      const endUnknown = Effect.gen(function*() {
        const at = yield* Clock.currentTimeMillis
        const isServed = yield* isKnown
        const targets = [...outages.all().map(({ target }) => target), ...journal.downTargets()]
        yield* journal.add(
          targets.filter((target) => !isServed(target)).map((target) => ({ _tag: "Gone", target, at }))
        )
      })

      const takeUp = writer.open.pipe(
        Effect.catch((trouble) =>
          Effect.as(conditions.raise("outages:refused", `open outages cannot be read: ${trouble.problem}`), [])
        )
      )

      /**
       * Outages that opened after our status was decided: we were away, or were killed before our file was written. The
       * status from before them does not close them; the decisions that opened them are taken up instead.
       */
      const restoreMissed = Effect.fnUntraced(function*(atStart: ReadonlyArray<Official>) {
        const isServed = yield* isKnown
        const statusAt = new Map(atStart.map((status) => [targetKey(status.target), status.decidedAt]))
        const missed = new Set<TargetKey>()
        for (const { data, error, id, start, target, votes } of outages.all()) {
          const key = targetKey(target)
          if ((statusAt.get(key) ?? -Infinity) >= start || !isServed(target)) continue
          const down = { id, target, up: false, error, data, decidedAt: start, decidedBy: "", votes }
          if ((yield* official.restore(down)) !== undefined) missed.add(key)
        }
        return missed
      })

      const isServed = yield* isKnown
      for (const { transition } of journal.restored()) {
        if (transition._tag === "Decided" && isServed(transition.status.target)) {
          yield* official.restore(transition.status)
        }
      }
      // What changes after this point comes by the subscription; what comes twice opens and closes nothing twice.
      const changes = yield* official.subscribe
      const atStart = [...(yield* official.all).values()].filter(isOutage).sort((a, b) => a.decidedAt - b.decidedAt)
      const restored = journal.restored()
      yield* journal.add(atStart.filter(({ up }) => !up).map(decided)).pipe(
        Effect.andThen(Stream.runForEachArray(
          changes,
          (some) => journal.add(some.map(({ after }) => after).filter(isOutage).map(decided))
        )),
        Effect.forkScoped
      )
      yield* Effect.gen(function*() {
        const open = yield* takeUp
        for (const outage of open) outages.commit({ _tag: "Opened", outage })
        yield* Metric.update(opened, outages.size)
        yield* Effect.forEach(restored, settleRestored, { discard: true })
        const missed = yield* restoreMissed(atStart)
        for (const status of atStart) {
          if (status.up && !missed.has(targetKey(status.target))) yield* settle(decided(status), () => undefined)
        }
        yield* endUnknown
        yield* Effect.forever(Effect.flatMap(journal.first, settleWaiting))
      }).pipe(Effect.forkScoped)
      yield* Stream.runForEach(config.changes, () => endUnknown).pipe(Effect.forkScoped({ startImmediately: true }))

      return OutageLog.of({
        open: Effect.sync(() => outages.all()),
        subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
      })
    })
  ).pipe(Layer.provide(OutageJournal.layer))

  /** Over a store, an official status and a configuration in memory. */
  static readonly layerMemory: Layer.Layer<OutageLog | OfficialStatus | OutageStore | Conditions, ConfigError> =
    OutageLog.layer.pipe(
      Layer.provideMerge([OfficialStatus.layer, OutageStore.layerMemory]),
      Layer.provide([Config.layerMemory(), DurableFiles.layerMemory, AppendFiles.layerMemory]),
      Layer.provideMerge(Conditions.layerMemory)
    )
}

/** What `OverrideLog` keeps in the same table is not for this log to open or close, whoever decides on such a target. */
const isOutage = ({ target }: Official): boolean => !isOverrideRecord(target)

const isEnded = (outage: Outage): outage is EndedOutage => outage.end !== undefined

const decided = (status: Official): Transition => ({ _tag: "Decided", status })

const decisionOf = (transition: Transition): Official | undefined =>
  transition._tag === "Decided" ? transition.status : undefined

const timeOf = (transition: Transition): number =>
  transition._tag === "Decided" ? transition.status.decidedAt : transition.at

const followsFrom = (transition: Transition, outages: OpenOutages, minimumOffline: number): OutageEvent | undefined =>
  transition._tag === "Decided"
    ? outages.next(transition.status, minimumOffline)
    : outages.gone(transition.target, transition.at, minimumOffline)

/** Events that wait for a slow subscriber. */
const maxEvents = 16_384

const opened = Metric.gauge("geodns_outages_open", { description: "Outages that are open in the store" })
