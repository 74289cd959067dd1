import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type { Conditions } from "../node/Conditions.ts"
import { AlertError, type Channel } from "./AlertChannel.ts"
import type { Surroundings } from "./AlertContext.ts"
import type { AlertMessage } from "./AlertMessage.ts"
import { type AlertThread, messageOf, revisionOf } from "./AlertThread.ts"
import type { Due, Threads } from "./Threads.ts"

/** What a channel may take for one message. */
const patience = "30 seconds"
/** The wait after the first failure in a row, doubled by each further one up to the longest. */
const firstWait = 1_000
const longestWait = 60_000
/** How long a channel can ask to be left alone. */
const longestAsked = 600_000
/** When a message that was refused for what it is, and not for the state of the channel, is tried again. */
const refusedWait = 3_600_000
/** Refusals after which it is a dead letter. */
const maxRefusals = 3
/** Between two messages about one storm that grows or shrinks. */
const updateEvery = 15_000
/** How often it is looked whether the duty is ours again. */
const dutyWait = 1_000

const deliveries = Metric.counter("geodns_alert_deliveries_total", {
  description: "Alert messages by channel and result",
  incremental: true
})

interface Failure {
  /** Failures that may be the fault of the message. */
  readonly tries: number
  readonly refusals: number
  /** Milliseconds since the epoch. */
  readonly notBefore: number
}

/** What delivering needs. */
export interface DeliveryOptions {
  readonly channel: Channel
  readonly threads: Threads
  readonly surroundings: Surroundings
  readonly wake: Queue.Dequeue<void>
  readonly conditions: Conditions["Service"]
  /** Whether this process is to tell at all, at this moment. */
  readonly mayTell: Effect.Effect<boolean>
  /** Stores that a channel is about to be told of a thread for the first time. Never takes long. */
  readonly announce: (thread: AlertThread) => Effect.Effect<void>
  /** Called after a delivery, so that it gets stored. */
  readonly delivered: Effect.Effect<void>
  /** Keeps a message that the channel refuses for good. */
  readonly bury: (message: AlertMessage, problem: string) => Effect.Effect<void>
}

/**
 * Tells one channel what it is to be told, for ever: one message at a time, the longest outage first. While nothing gets
 * through the messages wait in that order; one that may fail by itself goes behind the others, so it holds up none. It
 * waits longer after every failure in a row, so a channel that is down is not hammered. `wake` says that there may be
 * something new.
 */
export const deliverTo = Effect.fnUntraced(function*(options: DeliveryOptions) {
  const { channel, conditions, surroundings, threads, wake } = options
  const condition = `alerts:${channel.name}`
  const failures = new Map<string, Failure>()
  /** By the id of a thread, when the channel was told of it last. */
  const toldAt = new Map<string, number>()
  let failuresInRow = 0
  let isRaised = false

  const count = (result: "delivered" | "failed" | "dead") =>
    Metric.update(Metric.withAttributes(deliveries, { channel: channel.name, result }), 1)
  const troubled = (problem: string) =>
    new AlertError({ channel: channel.name, problem, isRetryable: true, mayHaveArrived: true })

  const makeMessage = ({ kind, storm, thread }: Due): AlertMessage =>
    messageOf(storm, kind, {
      severity: surroundings.severity(storm.map((one) => one.outage), threads.open()),
      receipt: thread.receipts?.[channel.name]
    })

  const attempt = (message: AlertMessage): Effect.Effect<string | void, AlertError> =>
    Effect.suspend(() => channel.deliver(message)).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(troubled(`no answer within ${patience}`))
      }),
      Effect.catchDefect((defect) => Effect.fail(troubled(`failed unexpectedly (${String(defect)})`)))
    )

  const triesOf = ({ thread }: Due): number => failures.get(thread.outage.id)?.tries ?? 0
  const isBefore = (a: Due, b: Due): boolean =>
    triesOf(a) !== triesOf(b) ? triesOf(a) < triesOf(b) : a.thread.outage.start < b.thread.outage.start
  /** When a message may be sent. */
  const dueAt = ({ kind, thread: { outage } }: Due): number =>
    Math.max(
      failures.get(outage.id)?.notBefore ?? 0,
      kind === "updated" ? (toldAt.get(outage.id) ?? 0) + updateEvery : 0
    )

  /** The next message, or how long to wait for one; and what waits in all. */
  const choose = (now: number) => {
    let next: Due | undefined
    let wait = Infinity
    let waiting = 0
    for (const due of threads.due(channel.name)) {
      waiting += 1
      const left = dueAt(due) - now
      if (left > 0) wait = Math.min(wait, left)
      else if (next === undefined || isBefore(due, next)) next = due
    }
    return { next, wait, waiting }
  }

  const settled = Effect.fnUntraced(function*({ kind, storm, thread }: Due, receipt: string | undefined) {
    const { id } = thread.outage
    threads.delivered(id, channel.name, { kind, revision: revisionOf(storm), receipt })
    failures.delete(id)
    if (kind === "resolved") toldAt.delete(id)
    else toldAt.set(id, yield* Clock.currentTimeMillis)
    yield* options.delivered
  })

  const succeeded = Effect.fnUntraced(function*(due: Due, receipt: string | void) {
    failuresInRow = 0
    yield* count("delivered")
    yield* settled(due, typeof receipt === "string" ? receipt : undefined)
  })

  const failed = Effect.fnUntraced(function*(due: Due, message: AlertMessage, error: AlertError, waiting: number) {
    const { id } = due.thread.outage
    const now = yield* Clock.currentTimeMillis
    const before = failures.get(id)
    const refusals = (before?.refusals ?? 0) + (error.isRetryable ? 0 : 1)
    if (refusals >= maxRefusals) {
      yield* count("dead")
      yield* Effect.logWarning(`an alert was given up: ${error.message}`).pipe(Effect.annotateLogs({ outage: id }))
      yield* options.bury(message, error.problem)
      return yield* settled(due, undefined)
    }
    if (due.kind === "opened" && error.mayHaveArrived !== true) threads.tries(id, channel.name, false)
    failures.set(id, {
      tries: (before?.tries ?? 0) + (error.isDown === true ? 0 : 1),
      refusals,
      notBefore: error.isRetryable ? now : now + refusedWait
    })
    failuresInRow += 1
    isRaised = true
    yield* count("failed")
    yield* conditions.raise(condition, `alerts do not arrive (${error.problem}); ${waiting} wait and are tried again`)
    const wait = Math.min(firstWait * 2 ** (failuresInRow - 1), longestWait)
    yield* Effect.sleep(Math.max(wait, Math.min(error.retryAfter ?? 0, longestAsked)))
  })

  /** A thread that was given up has no message any more. */
  const forgetGone = () => {
    const ids = new Set(Array.from(threads.due(channel.name), ({ thread }) => thread.outage.id))
    for (const id of failures.keys()) if (!ids.has(id)) failures.delete(id)
    for (const id of toldAt.keys()) if (!threads.has(id)) toldAt.delete(id)
  }

  const step = Effect.gen(function*() {
    if (failures.size > 0) forgetGone()
    if (isRaised && failures.size === 0) {
      isRaised = false
      yield* conditions.clear(condition)
    }
    const { next, wait, waiting } = choose(yield* Clock.currentTimeMillis)
    if (next === undefined) {
      yield* wait === Infinity ? Queue.take(wake) : Effect.timeoutOption(Queue.take(wake), wait)
    } else if (yield* options.mayTell) {
      const message = makeMessage(next)
      const trying = next.kind === "opened" ? threads.tries(next.thread.outage.id, channel.name, true) : undefined
      if (trying !== undefined) yield* options.announce(trying)
      yield* Effect.matchEffect(attempt(message), {
        onSuccess: (receipt) => succeeded(next, receipt),
        onFailure: (error) => failed(next, message, error, waiting)
      })
    } else {
      yield* Effect.sleep(dutyWait)
    }
  })

  return yield* Effect.forever(step)
})
