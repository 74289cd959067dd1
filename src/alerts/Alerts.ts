import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { OutageEvent } from "../domain/Outage.ts"
import { isOverrideRecord, type Override } from "../domain/Override.ts"
import { describeTarget } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import type { NodeIdentity } from "../node/NodeIdentity.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { Overrides } from "../status/Overrides.ts"
import { AlertStore, type DeadLetter, maxDeadLetters } from "../store/AlertStore.ts"
import { OutageStore } from "../store/OutageStore.ts"
import { AlertChannels, isBoard, isChannel } from "./AlertChannel.ts"
import { AlertContext } from "./AlertContext.ts"
import { alertDocument } from "./alertDocument.ts"
import type { AlertMessage } from "./AlertMessage.ts"
import type { AlertThread } from "./AlertThread.ts"
import { deliverTo } from "./Delivery.ts"
import { Duty } from "./Duty.ts"
import type { MemoryChannel } from "./MemoryChannel.ts"
import { MissedEvents } from "./MissedEvents.ts"
import { QuietMembers } from "./QuietMembers.ts"
import { showOn } from "./Showing.ts"
import { makeStoredThreads } from "./storedThreads.ts"
import { Threads } from "./Threads.ts"

export type { AlertThread } from "./AlertThread.ts"

/** Threads that are held; see `Threads`. */
const maxThreads = 10_000
/** How often the threads are compared with the outages in the store: events may have been missed. */
const compareEvery = "5 minutes"
/** Of what happened while another one told, how much is told again when nobody knows what was: it may be gone. Milliseconds. */
const sinceLease = 60_000

const openThreads = Metric.gauge("geodns_alert_threads", { description: "Alert threads that are not finished" })
const givenUp = Metric.gauge("geodns_alerts_given_up", {
  description: "Resolved alert threads that were given up, because too many waited for a channel"
})
const silenced = Metric.counter("geodns_alerts_silenced_total", {
  description: "Alert threads that were silenced, as their member was out of service by hand",
  incremental: true
})

const make = Effect.gen(function*() {
  const overrides = yield* Overrides
  const quiet = new QuietMembers()
  const log = yield* OutageLog
  const outages = yield* OutageStore
  const store = yield* AlertStore
  const all = yield* AlertChannels
  const boards = all.filter(isBoard)
  const channels = all.filter(isChannel)
  const conditions = yield* Conditions
  const duty = yield* Duty
  const surroundings = yield* AlertContext
  const threads = new Threads({
    channels: channels.map(({ name }) => name),
    boards: boards.map(({ name }) => name),
    max: maxThreads,
    belongs: surroundings.belongs
  })

  const missed = new MissedEvents()
  /** Whether what was told before is taken up, and events are told. */
  let isServing = false

  const stored = makeStoredThreads({ store, threads, conditions, isMine: duty.isMine })
  /** They wait for the store, so that no channel does. */
  const letters = yield* Queue.sliding<DeadLetter>(maxDeadLetters)
  const wakeSaver = yield* Queue.sliding<void>(1)
  const wakes = yield* Effect.forEach(channels, () => Queue.sliding<void>(1))
  const wakeAll = Effect.forEach([wakeSaver, ...wakes], (wake) => Queue.offer(wake, undefined), { discard: true })

  const noteSilence = ({ outage, silenced: override }: AlertThread): Effect.Effect<void> =>
    override === undefined
      ? Effect.void
      : Effect.logInfo(`no alert of ${describeTarget(outage.target)}: its member is out of service by hand`).pipe(
        Effect.annotateLogs({ outage: outage.id, override }),
        Effect.andThen(Metric.update(silenced, 1))
      )

  const silence = Effect.gen(function*() {
    const changed = threads.silence(quiet.at(yield* Clock.currentTimeMillis))
    yield* Effect.forEach(changed, noteSilence, { discard: true })
    if (changed.length > 0) yield* wakeAll
  })

  /** Is quiet about these members, and tells of those that are down still when they were quiet for long enough. */
  const followOverrides = Effect.fnUntraced(function*(active: ReadonlyMap<string, Override>) {
    quiet.take(active, yield* Clock.currentTimeMillis)
    yield* silence
    for (let next = quiet.next(); next < Number.POSITIVE_INFINITY; next = quiet.next()) {
      yield* Effect.sleep(Math.max(0, next - (yield* Clock.currentTimeMillis)))
      yield* silence
    }
  }, Effect.catchCause((cause) => Effect.logError("alerts do not follow the overrides", cause)))

  const handle = Effect.fnUntraced(
    function*(event: OutageEvent) {
      const { id } = event.outage
      if (!threads.has(id)) {
        const known = yield* stored.find(id)
        if (known?.finished === true || !isServing) return
        if (known !== undefined) yield* stored.take(known)
      }
      const givenUpBefore = threads.givenUp
      const isKnown = threads.has(id)
      if (threads.apply(event)) yield* wakeAll
      const thread = threads.get(id)
      if (!isKnown && thread !== undefined) yield* noteSilence(thread)
      if (threads.givenUp > givenUpBefore) yield* Effect.logWarning("too many alerts wait: the oldest was given up")
    },
    Effect.catchCause((cause) => Effect.logError("an outage was not alerted", cause))
  )

  /** The outage of a thread as it is in the store. */
  const current = ({ outage }: AlertThread) =>
    stored.insist(
      "read an outage",
      outages.find({ target: outage.target, from: outage.start, to: outage.start + 1 }).pipe(
        Stream.filter((found) => found.id === outage.id),
        Stream.runHead
      )
    )

  /** Alerts what is in the store and was not heard of: from before the start, or from the log when it was too much. */
  const compare = Effect.gen(function*() {
    const open = yield* stored.insist(
      "read the open outages",
      outages.find({ open: true }).pipe(
        Stream.filter(({ target }) => !isOverrideRecord(target)),
        Stream.runCollect
      )
    )
    for (const outage of open) yield* handle({ _tag: "Opened", outage })
    const ids = new Set(open.map((outage) => outage.id))
    for (const thread of threads.unfinished()) {
      if (thread.state !== "open" || ids.has(thread.outage.id)) continue
      const outage = yield* current(thread)
      if (Option.isSome(outage) && outage.value.end !== undefined) {
        yield* handle({ _tag: "Closed", outage: outage.value })
      }
    }
  }).pipe(Effect.catchCause((cause) => Effect.logError("alerts could not be compared with the outages", cause)))

  const wakeSaving = Effect.asVoid(Queue.offer(wakeSaver, undefined))
  const bury = (channel: string) =>
    Effect.fnUntraced(function*(message: AlertMessage, problem: string) {
      const at = yield* Clock.currentTimeMillis
      const { idempotencyKey: key } = message
      yield* Queue.offer(letters, { channel, key, at, problem, message: JSON.stringify(alertDocument(message)) })
    })
  const measure = Effect.suspend(() =>
    Effect.andThen(
      Metric.update(openThreads, threads.unfinished().length),
      Metric.update(givenUp, threads.givenUp)
    )
  )

  const events = yield* log.subscribe
  yield* Effect.addFinalizer(() => stored.saveLast)
  quiet.take(yield* overrides.active, yield* Clock.currentTimeMillis)
  yield* silence
  yield* overrides.changes.pipe(
    Stream.switchMap((active) => Stream.fromEffect(followOverrides(active))),
    Stream.runDrain,
    Effect.forkScoped({ startImmediately: true })
  )

  yield* Stream.runForEach(
    events,
    (event) =>
      Effect.suspend(() =>
        isServing ? handle(event) : Effect.map(Clock.currentTimeMillis, (now) => missed.add(event, now))
      )
  ).pipe(Effect.forkScoped({ startImmediately: true }))

  /**
   * Tells, until somebody else does. What is known from before comes first, or the first event would tell it again; but when
   * the store does not even say whose duty it is, nobody waits for it.
   */
  const serve = Effect.gen(function*() {
    threads.clear()
    const known = yield* Effect.forkScoped(Effect.andThen(stored.takeUp, Effect.andThen(silence, wakeAll)))
    const isKnown = yield* Effect.raceFirst(Effect.as(Fiber.join(known), true), Effect.as(duty.failedOpen, false))
    isServing = true
    const lately = missed.take(yield* Clock.currentTimeMillis, isKnown ? undefined : sinceLease)
    yield* Effect.forEach(lately, handle, { discard: true })
    yield* Effect.repeat(compare, Schedule.spaced(compareEvery))
  }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => isServing = false)))
  yield* duty.changes.pipe(
    Stream.switchMap((isOurs) => Stream.fromEffectDrain(isOurs ? serve : Effect.sync(() => threads.clear()))),
    Stream.runDrain,
    Effect.forkScoped
  )
  yield* Queue.take(letters).pipe(Effect.flatMap(stored.bury), Effect.forever, Effect.forkScoped)
  yield* Queue.take(wakeSaver).pipe(
    Effect.andThen(stored.save),
    Effect.andThen(measure),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Effect.forEach(channels, (channel, i) =>
    deliverTo({
      channel,
      threads,
      surroundings,
      wake: wakes[i]!,
      conditions,
      mayTell: duty.isMine,
      announce: stored.announce,
      delivered: wakeSaving,
      bury: bury(channel.name)
    }).pipe(Effect.forkScoped), { discard: true })
  yield* Effect.forEach(
    boards,
    (board) =>
      showOn({ board, threads, surroundings, conditions, mayTell: duty.isMine, shown: wakeSaving }).pipe(
        Effect.forkScoped
      ),
    { discard: true }
  )

  return Alerts.of({ threads: Effect.sync(() => threads.unfinished()) })
})

/**
 * Tells people about outages: one thread per outage, on every channel, across restarts.
 *
 * What was told is in the store. A message is delivered at least once: when the process is killed between a delivery and
 * its storing, it comes again with the same key. An outage that began and ended while nothing alerted is not told.
 */
export class Alerts extends Context.Service<Alerts, {
  /** Threads that are open, or resolved and not yet told everywhere; longest outage first. */
  readonly threads: Effect.Effect<ReadonlyArray<AlertThread>>
}>()("effect-geodns/alerts/Alerts") {
  /**
   * Takes up the stored threads, compares them with the outages in the store, and follows the log. Each channel goes at
   * its own pace; while one does not take its messages the condition `alerts:<channel>` is raised, and `alerts:store`
   * while the store does not answer. Outages of members that are out of service by hand are not told, which their threads
   * record; one that is open still two minutes after its member is back is told then.
   */
  static readonly layer: Layer.Layer<
    Alerts,
    never,
    OutageLog | Overrides | OutageStore | AlertStore | AlertChannels | Conditions | NodeIdentity
  > = Layer.effect(Alerts, make).pipe(Layer.provide(Duty.layer))

  /** The same with one channel in memory and a store of threads in memory, which are provided too. */
  static readonly layerMemory: Layer.Layer<
    Alerts | AlertStore | AlertChannels | MemoryChannel,
    never,
    OutageLog | Overrides | OutageStore | Conditions | NodeIdentity
  > = Alerts.layer.pipe(Layer.provideMerge([AlertStore.layerMemory, AlertChannels.layerMemory]))
}
