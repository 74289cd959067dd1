import * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MutableList from "effect/MutableList"
import type * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { BusMessage } from "./Bus.ts"

/** How much may wait for a slow reader. */
export interface InboxLimits {
  readonly messages: number
  /** Characters of all waiting messages together, so that few long ones are bounded too. */
  readonly chars: number
}

/** Much more than a burst of votes, much less than the memory of a node. */
export const inboxLimits: InboxLimits = { messages: 8192, chars: 16 * 1024 * 1024 }

/** What waits for the reader of one subscription. When it is full, the oldest goes first, counted. */
export interface Inbox {
  /** Synchronous: a broker or a socket pushes without a fiber. */
  readonly offer: (message: BusMessage) => void
  /** Ends the stream, and drops what still waits. */
  readonly end: () => void
  /** For one reader. */
  readonly messages: Stream.Stream<BusMessage>
}

const dropped = Metric.counter("geodns_bus_dropped_total", {
  description: "Messages that a slow reader or a full network lost, the oldest first",
  incremental: true
})

/** Counts one message that had no room, in the metrics of `context`. */
export const countDropped = (context: Context.Context<never>): void => dropped.updateUnsafe(1, context)

/** How many messages the reader takes at once: what it holds counts no longer as waiting. */
const batch = 256

/** Makes an inbox. It lives until {@link Inbox.end}. */
export const makeInbox = Effect.fnUntraced(function*(limits: InboxLimits): Effect.fn.Return<Inbox> {
  const context = yield* Effect.context<never>()
  const waiting = MutableList.make<BusMessage>()
  // Holds one token while messages wait.
  const signal = yield* Queue.dropping<void, Cause.Done>(1)
  let chars = 0
  const wake = () => {
    if (waiting.length > 0) Queue.offerUnsafe(signal, undefined)
  }
  const dropOldest = () => {
    const oldest = MutableList.take(waiting)
    if (oldest === MutableList.Empty) return
    chars -= oldest.data.length
    countDropped(context)
  }
  const takeBatch = Effect.sync(() => {
    const messages = MutableList.takeN(waiting, batch)
    for (const message of messages) chars -= message.data.length
    wake()
    return messages
  })
  const pull: Pull.Pull<Arr.NonEmptyReadonlyArray<BusMessage>> = Effect.flatMap(
    Effect.andThen(Queue.take(signal), takeBatch),
    (messages) => Arr.isArrayNonEmpty(messages) ? Effect.succeed(messages) : pull
  )
  return {
    offer: (message: BusMessage) => {
      chars += message.data.length
      MutableList.append(waiting, message)
      while (waiting.length > limits.messages || chars > limits.chars) dropOldest()
      wake()
    },
    end: () => {
      MutableList.clear(waiting)
      chars = 0
      Queue.endUnsafe(signal)
    },
    messages: Stream.fromPull(Effect.succeed(pull))
  }
})
