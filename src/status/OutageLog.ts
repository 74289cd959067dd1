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
import { describeTarget, type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { Official } from "./Decision.ts"
import { KnownTargets } from "./KnownTargets.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { type OfficialEntry, remembers } from "./OfficialTable.ts"
import { endedBy, type EndedOutage, isFromAhead, OpenOutages } from "./OpenOutages.ts"
import { countLost, OutageJournal } from "./OutageJournal.ts"
import { makeOutageWriter } from "./OutageWriter.ts"
import { Proofs } from "./Proofs.ts"
import { openingIdOf } from "./servedAgain.ts"
import {
  changed,
  closingOf,
  decided,
  decisionOf,
  downSince,
  isDown,
  sinceOf,
  stepOf,
  targetOf,
  type Transition,
  transitionRecord,
  type WaitingTransition
} from "./Transition.ts"

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
      const proofs = yield* Proofs
      const store = yield* OutageStore
      const writer = makeOutageWriter({ store, conditions, waiting: journal.size })
      const outages = new OpenOutages()
      const events = yield* PubSub.sliding<OutageEvent>(maxEvents)

      const minimumOffline = Effect.map(config.current, ({ local }) => local.System.MinimumOfflineTime * 1_000)
      const isKnown = Effect.map(config.current, known)

      const commit = (event: OutageEvent) => {
        outages.commit(event)
        return Effect.andThen(Metric.update(opened, outages.size), PubSub.publish(events, event))
      }

      /**
       * Brings into the store what follows from a transition. `end` gives what ends the outage that it opens, once that is
       * known. What cannot be done for one outage is said, and costs no other one.
       */
      const settle = (transition: Transition, { end, isOld }: { end: () => Transition | undefined; isOld: boolean }) =>
        Effect.gen(function*() {
          const minimum = yield* minimumOffline
          const now = yield* Clock.currentTimeMillis
          const endingOf = (outage: EndedOutage, by: Transition) => ({
            outage,
            decision: closingOf(by),
            step: stepOf(by)
          })
          const follow = () => outages.next(transition, { end: end(), isOld, minimumOffline: minimum, now })
          let event: OutageEvent | undefined = follow()
          if (event === undefined) return isOld ? undefined : outages.pass(transition)
          for (let round = 0; event !== undefined && round < maxRounds; round++) {
            const { outage }: OutageEvent = event
            const happened: ReadonlyArray<OutageEvent> = isEnded(outage)
              ? yield* writer.end(endingOf(outage, transition))
              : yield* writer.begin(outage, (begun) => {
                const by = end()
                return by && endingOf(endedBy(begun, by, minimum), by)
              }, { proof: decisionOf(transition)?.proof, since: sinceOf(transition) })
            yield* Effect.forEach(happened, commit, { discard: true })
            // It took the target down again: what was open until then is over, whoever had opened it, and the next one begins.
            const goesOn: boolean = isDown(transition) && (isEnded(outage) || outages.isBeyond(transition))
            event = goesOn ? follow() : undefined
          }
        }).pipe(
          Effect.catch(({ problem }) =>
            Effect.logError("an outage is lost: the store refuses it").pipe(
              Effect.annotateLogs({ about: transitionRecord(0, transition), problem }),
              Effect.andThen(countLost("refused", 1)),
              Effect.andThen(conditions.raise(
                "outages:refused",
                `the store refuses an outage of ${describeTarget(targetOf(transition))}, see the log: ${problem}`
              ))
            )
          ),
          Effect.catchCause((cause) => Effect.logError("an outage was not written", cause))
        )

      /** `newest` is the last that waited when the store was read: what was found there may be newer than those. */
      const settleWaiting = (newest: number) => (waiting: WaitingTransition) =>
        settle(waiting.transition, { end: () => journal.endOf(waiting), isOld: waiting.number <= newest }).pipe(
          Effect.andThen(journal.done(waiting))
        )

      /** Ends the outages of those targets that the documents do not know any more. */
      const endUnknown = (targets: () => ReadonlyArray<Target>) =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          const isServed = yield* isKnown
          const unknown = targets().filter((target) => !isServed(target))
          yield* journal.add(unknown.map((target) => ({ _tag: "Gone", target, at })))
        })
      const openTargets = () => outages.all().map(({ target }) => target)

      const addDown = Effect.fnUntraced(function*(
        entries: ReadonlyMap<TargetKey, OfficialEntry>,
        isMissing: (target: Target) => boolean
      ) {
        const now = yield* Clock.currentTimeMillis
        const down = [...entries.values()].map((entry) => entry.official).filter((status) =>
          !status.up && isOutage(status) && isMissing(status.target)
        )
        yield* journal.add(down.sort((a, b) => a.decidedAt - b.decidedAt).map((status) => downSince(status, now)))
      })

      /** Who left the documents while it was down and comes back is down still: no decision would say so once more. */
      const beginServed = Effect.gen(function*() {
        const isServed = yield* isKnown
        // What waits comes after what is open: it may end it.
        const isMissing = (target: Target) =>
          isServed(target) && (outages.get(targetKey(target)) === undefined || journal.has(target))
        yield* addDown(yield* official.entries, isMissing)
      })

      /** The store may know more than we, but here too it is the certificate that counts. */
      const offerOpening = Effect.fnUntraced(function*(outage: Outage, entry: OfficialEntry | undefined) {
        if (outage.proof === undefined || outage.proof.seq <= (entry?.official.proof?.seq ?? 0)) return
        const opening = (yield* Effect.orElseSucceed(store.decisions(outage.id), () => [])).find(({ up }) => !up)
        if (opening?.proof?.certificate === undefined) return
        yield* proofs.offer(opening.proof.certificate, { error: outage.error })
      })

      /**
       * Brings the outages that are open in the store in line with the official status, at the start and now. One that opened
       * after its target was decided last is news to us: we were away, or were killed before our file was written.
       */
      const bringInLine = Effect.fnUntraced(function*(atStart: ReadonlyMap<TargetKey, OfficialEntry>) {
        const isServed = yield* isKnown
        const entries = yield* official.entries
        for (const outage of outages.all()) {
          const { data, error, id, start, target, votes } = outage
          const now = yield* Clock.currentTimeMillis
          const key = targetKey(target)
          const current = entries.get(key)
          // What waits for the store comes after what was so at the start, and includes what is so now.
          const up = upAfter(outage, atStart.get(key), now) ??
            (journal.has(target) ? undefined : upAfter(outage, current, now))
          if (up !== undefined) yield* settle(decided(up, { id, start }), { end: () => undefined, isOld: true })
          else if (proofs.isRequired) yield* offerOpening(outage, current)
          else if (isNews(outage, current, now) && isServed(target)) {
            yield* official.restore({
              id: openingIdOf(id),
              target,
              up: false,
              error,
              data,
              decidedAt: start,
              decidedBy: "",
              votes
            })
          }
        }
      })

      const isServed = yield* isKnown
      for (const status of journal.decisions) {
        if (isServed(status.target) && (status.proof !== undefined || !proofs.isRequired)) {
          yield* official.resume(status)
        }
      }
      // What changes after this point comes by the subscription; what comes twice opens and closes nothing twice.
      const changes = yield* official.subscribe
      const atStart = yield* official.entries
      yield* addDown(atStart, () => true)
      yield* Stream.runForEach(
        config.changes,
        () => Effect.andThen(endUnknown(() => [...openTargets(), ...journal.downTargets()]), beginServed)
      )
        .pipe(Effect.forkScoped({ startImmediately: true }))
      yield* endUnknown(journal.downTargets)
      yield* Stream.runForEachArray(
        changes,
        (some) =>
          Effect.flatMap(
            Clock.currentTimeMillis,
            (now) => journal.add(some.filter(({ after }) => isOutage(after)).map((change) => changed(change, now)))
          )
      ).pipe(Effect.forkScoped)
      yield* Effect.gen(function*() {
        for (const outage of yield* writer.open) outages.commit({ _tag: "Opened", outage })
        const settleNext = settleWaiting(journal.newest())
        yield* Metric.update(opened, outages.size)
        yield* Effect.flatMap(journal.restored, Effect.forEach(settleNext, { discard: true }))
        yield* bringInLine(atStart)
        yield* endUnknown(openTargets)
        yield* Effect.forever(Effect.flatMap(journal.first, settleNext))
      }).pipe(Effect.forkScoped)

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

/**
 * The status that ends an outage, with the first time after its start at which that was decided, if it was. One that is
 * up and remembers the decision that opened the outage ends it, whatever the clocks said.
 */
const upAfter = (
  { id, proof, start }: Outage,
  entry: OfficialEntry | undefined,
  now: number
): Official | undefined => {
  if (entry === undefined || !entry.official.up) return undefined
  const { newest, official } = entry
  if (official.proof !== undefined && proof !== undefined) {
    return official.proof.seq > proof.seq ? official : undefined
  }
  if (remembers(entry, openingIdOf(id))) return official
  const first = official.decidedAt > start ? official : { ...official, ...newest }
  return first.decidedAt > start && !isFromAhead(first.decidedAt, now) ? first : undefined
}

/**
 * Whether an outage is newer than the official status. What came from a clock that was ahead is older than all. One that goes on since
 * its target is served again is as old as its decision.
 */
const isNews = ({ id, start }: Outage, entry: OfficialEntry | undefined, now: number): boolean =>
  entry === undefined || (openingIdOf(id) === id || !remembers(entry, openingIdOf(id))) &&
    (entry.newest.decidedAt < start || isFromAhead(entry.newest.decidedAt, now))

/** An outage before, that of somebody else before, and the one that begins. */
const maxRounds = 4

/** Events that wait for a slow subscriber. */
const maxEvents = 16_384

const opened = Metric.gauge("geodns_outages_open", { description: "Outages that are open in the store" })
