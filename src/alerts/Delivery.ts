import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import type { Conditions } from "../node/Conditions.ts"
import { AlertError, type Channel } from "./AlertChannel.ts"
import { messageOf } from "./AlertThread.ts"
import type { Due, Threads } from "./Threads.ts"

/** What a channel may take for one message. */
const patience = "30 seconds"
/** The wait after the first failure in a row, doubled by each further one up to the longest. */
const firstWait = 1_000
const longestWait = 60_000
/** When a message that was refused for what it is, and not for the state of the channel, is tried again. */
const refusedWait = 3_600_000

const deliveries = Metric.counter("geodns_alert_deliveries_total", {
  description: "Alert messages by channel and result",
  incremental: true
})

interface Failure {
  readonly tries: number
  /** Milliseconds since the epoch. */
  readonly notBefore: number
}

/**
 * Tells one channel what it is to be told, for ever: one message at a time, the longest outage first, those that failed
 * behind the others. It waits longer after every failure in a row, so a channel that is down is not hammered and one
 * message that cannot be delivered holds up no other. `wake` says that there may be something new.
 */
export const deliverTo = Effect.fnUntraced(function*(options: {
  readonly channel: Channel
  readonly threads: Threads
  readonly wake: Queue.Dequeue<void>
  readonly conditions: Conditions["Service"]
  /** Called after a delivery, so that it gets stored. */
  readonly delivered: Effect.Effect<void>
}) {
  const { channel, conditions, threads, wake } = options
  const condition = `alerts:${channel.name}`
  const failures = new Map<string, Failure>()
  let failuresInRow = 0
  let isRaised = false

  const count = (result: "delivered" | "failed") =>
    Metric.update(Metric.withAttributes(deliveries, { channel: channel.name, result }), 1)
  const troubled = (problem: string) => new AlertError({ channel: channel.name, problem, isRetryable: true })

  const attempt = ({ kind, thread }: Due): Effect.Effect<void, AlertError> =>
    Effect.suspend(() => channel.deliver(messageOf(thread, kind))).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(troubled(`no answer within ${patience}`))
      }),
      Effect.catchDefect((defect) => Effect.fail(troubled(`failed unexpectedly (${String(defect)})`)))
    )

  const triesOf = ({ thread }: Due): number => failures.get(thread.outage.id)?.tries ?? 0
  const isBefore = (a: Due, b: Due): boolean =>
    triesOf(a) !== triesOf(b) ? triesOf(a) < triesOf(b) : a.thread.outage.start < b.thread.outage.start

  /** The next message, or how long to wait for one that has failed; and what waits in all. */
  const choose = (now: number) => {
    let next: Due | undefined
    let wait = Infinity
    let waiting = 0
    for (const due of threads.due(channel.name)) {
      waiting += 1
      const left = (failures.get(due.thread.outage.id)?.notBefore ?? now) - now
      if (left > 0) wait = Math.min(wait, left)
      else if (next === undefined || isBefore(due, next)) next = due
    }
    return { next, wait, waiting }
  }

  const succeeded = Effect.fnUntraced(function*({ kind, thread }: Due) {
    threads.delivered(thread.outage.id, channel.name, kind)
    failures.delete(thread.outage.id)
    failuresInRow = 0
    yield* count("delivered")
    yield* options.delivered
  })

  const failed = Effect.fnUntraced(function*({ thread }: Due, error: AlertError, waiting: number) {
    const { id } = thread.outage
    const now = yield* Clock.currentTimeMillis
    failures.set(id, {
      tries: (failures.get(id)?.tries ?? 0) + 1,
      notBefore: error.isRetryable ? now : now + refusedWait
    })
    failuresInRow += 1
    isRaised = true
    yield* count("failed")
    yield* conditions.raise(condition, `alerts do not arrive (${error.problem}); ${waiting} wait and are tried again`)
    yield* Effect.sleep(Math.min(firstWait * 2 ** (failuresInRow - 1), longestWait))
  })

  /** A thread that was given up has no message any more. */
  const forgetGone = () => {
    const ids = new Set(Array.from(threads.due(channel.name), ({ thread }) => thread.outage.id))
    for (const id of failures.keys()) if (!ids.has(id)) failures.delete(id)
  }

  const step = Effect.gen(function*() {
    if (failures.size > 0) forgetGone()
    if (isRaised && failures.size === 0) {
      isRaised = false
      yield* conditions.clear(condition)
    }
    const { next, wait, waiting } = choose(yield* Clock.currentTimeMillis)
    if (next !== undefined) {
      yield* Effect.matchEffect(attempt(next), {
        onSuccess: () => succeeded(next),
        onFailure: (error) => failed(next, error, waiting)
      })
    } else {
      yield* wait === Infinity ? Queue.take(wake) : Effect.timeoutOption(Queue.take(wake), wait)
    }
  })

  return yield* Effect.forever(step)
})
