import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type { Conditions } from "../node/Conditions.ts"
import { AlertError, type Channel } from "./AlertChannel.ts"
import type { Surroundings } from "./AlertContext.ts"
import type { AlertMessage } from "./AlertMessage.ts"
import { type AlertThread, messageOf, revisionOf, type Storm } from "./AlertThread.ts"
import { Backlog } from "./Backlog.ts"
import type { Due, Threads } from "./Threads.ts"

/** What a channel may take for one message. */
const patience = "30 seconds"
/** The wait after the first failure in a row, doubled by each further one up to the longest. */
const firstWait = 1_000
const longestWait = 60_000
/** How long a channel can ask to be left alone. */
const longestAsked = 600_000
/** How often it is looked whether the duty is ours again. */
const dutyWait = 1_000

const deliveries = Metric.counter("geodns_alert_deliveries_total", {
  description: "Alert messages by channel and result",
  incremental: true
})

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
 * Tells one channel what it is to be told, for ever: one message at a time, in the order of `Backlog`. It waits longer after
 * every failure in a row, so a channel that is down is not hammered. `wake` says that there may be something new.
 */
export const deliverTo = Effect.fnUntraced(function*(options: DeliveryOptions) {
  const { channel, conditions, surroundings, threads, wake } = options
  const condition = `alerts:${channel.name}`
  const backlog = new Backlog((id) => threads.has(id))
  let failuresInRow = 0
  /** How long it is left alone, unless another message is tried, in milliseconds. */
  let rest = 0
  let isRaised = false

  const count = (result: "delivered" | "failed" | "dead") =>
    Metric.update(Metric.withAttributes(deliveries, { channel: channel.name, result }), 1)
  const troubled = (problem: string) =>
    new AlertError({ channel: channel.name, problem, isRetryable: true, mayHaveArrived: true })

  /**
   * The first message may have come: who knows its key shows that one, and not what is sent now. So it is sent as it began,
   * with one outage, and those that joined are news.
   */
  const isRepeat = ({ kind, thread }: Due): boolean =>
    kind === "opened" && thread.trying?.includes(channel.name) === true

  const makeMessage = (due: Due): AlertMessage => {
    const storm: Storm = isRepeat(due) ? [due.thread] : due.storm
    return messageOf(storm, due.kind, {
      severity: surroundings.severity(storm.map((one) => one.outage), threads.open()),
      receipt: due.thread.receipts?.[channel.name]
    })
  }

  const attempt = (message: AlertMessage): Effect.Effect<string | void, AlertError> =>
    Effect.suspend(() => channel.deliver(message)).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(troubled(`no answer within ${patience}`))
      }),
      Effect.catchDefect((defect) => Effect.fail(troubled(`failed unexpectedly (${String(defect)})`)))
    )

  const settled = Effect.fnUntraced(function*(due: Due, receipt: string | undefined) {
    const { kind, storm, thread } = due
    const revision = isRepeat(due) ? 1 : revisionOf(storm)
    threads.delivered(thread.outage.id, channel.name, { kind, revision, receipt })
    yield* options.delivered
  })

  const succeeded = Effect.fnUntraced(function*(due: Due, receipt: string | void) {
    failuresInRow = 0
    rest = 0
    backlog.taken(due, yield* Clock.currentTimeMillis)
    yield* count("delivered")
    yield* settled(due, typeof receipt === "string" ? receipt : undefined)
  })

  const failed = Effect.fnUntraced(function*(due: Due, message: AlertMessage, error: AlertError, waiting: number) {
    const { id } = due.thread.outage
    const now = yield* Clock.currentTimeMillis
    if (backlog.failed(due, error, now)) {
      backlog.done(due, now)
      yield* count("dead")
      yield* Effect.logWarning(`an alert was given up: ${error.message}`).pipe(Effect.annotateLogs({ outage: id }))
      yield* options.bury(message, error.problem)
      return yield* settled(due, undefined)
    }
    if (due.kind === "opened" && error.mayHaveArrived !== true) threads.tries(id, channel.name, false)
    failuresInRow += 1
    isRaised = true
    yield* count("failed")
    yield* conditions.raise(condition, `alerts do not arrive (${error.problem}); ${waiting} wait and are tried again`)
    const wait = Math.min(firstWait * 2 ** (failuresInRow - 1), longestWait)
    const asked = Math.min(error.retryAfter ?? 0, longestAsked)
    rest = Math.max(0, wait - asked)
    if (asked > 0) yield* Effect.sleep(asked)
  })

  const step = Effect.gen(function*() {
    const other = backlog.other(threads.due(channel.name), yield* Clock.currentTimeMillis)
    if (other === undefined && rest > 0) {
      yield* Effect.sleep(rest)
      rest = 0
    }
    const first = backlog.next(threads.due(channel.name), yield* Clock.currentTimeMillis)
    if (isRaised && !backlog.isTroubled) {
      isRaised = false
      yield* conditions.clear(condition)
    }
    const { wait, waiting } = first
    const next = other ?? first.next
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
