import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Subject } from "../domain/wire/Subject.ts"
import { oncePerMinute } from "../node/oncePerMinute.ts"
import { Bus, type BusMessage } from "./Bus.ts"
import { BusError, TooLong, Unencodable } from "./BusError.ts"
import { messageCodec } from "./MessageCodec.ts"
import { bytesOver } from "./MessageSize.ts"

const garbage = Metric.counter("geodns_bus_garbage_total", {
  description: "Messages that were too long, no JSON, or not what their subject carries",
  incremental: true
})

/**
 * Sends a value. Fails when it has no form on the wire, when it is longer than those who listen take, and while the bus
 * is not connected.
 */
export const send = <A>(subject: Subject<A>, value: A, reply?: string): Effect.Effect<void, BusError, Bus> =>
  Effect.flatMap(Bus, (bus) => {
    const refuse = (reason: BusError["reason"]) =>
      Effect.fail(new BusError({ operation: "publish", subject: subject.name, reason }))
    const encoded = messageCodec(subject).encode(value)
    if (Result.isFailure(encoded)) return refuse(new Unencodable({ detail: encoded.failure }))
    const bytes = bytesOver(encoded.success, subject.maxBytes)
    return bytes === undefined
      ? bus.publish(subject.name, encoded.success, reply)
      : refuse(new TooLong({ bytes, limit: subject.maxBytes }))
  })

/** The start of a foreign text, safe for a log line. */
const excerpt = (text: string): string => JSON.stringify(text.length > 160 ? `${text.slice(0, 160)}…` : text)

/**
 * Handles every message of a subject, one at a time and in order, until the scope closes. The subscription is in place
 * when the effect succeeds.
 *
 * What is too long, no JSON or of another shape is counted (`geodns_bus_garbage_total`) and logged at most once a minute;
 * so is what a handler fails or dies of. Neither ends the handling. A handler that waits long lets messages wait, and at
 * last the oldest be lost.
 */
export const receive = <A, E, R>(
  subject: Subject<A>,
  handle: (value: A, message: BusMessage) => Effect.Effect<void, E, R>
): Effect.Effect<void, BusError, Bus | R | Scope.Scope> =>
  receiveWith(subject, 1, ([received]) => handle(received!.value, received!.message))

/**
 * The same for as many as have come, in order and at most `atOnce`, for who can handle several for little more than one. What
 * fails ends the handling of those that came with it.
 */
export const receiveSome = <A, E, R>(
  subject: Subject<A>,
  atOnce: number,
  handle: (values: ReadonlyArray<A>) => Effect.Effect<void, E, R>
): Effect.Effect<void, BusError, Bus | R | Scope.Scope> =>
  receiveWith(subject, atOnce, (some) => handle(some.map(({ value }) => value)))

const receiveWith = Effect.fnUntraced(function*<A, E, R>(
  subject: Subject<A>,
  atOnce: number,
  handle: (some: ReadonlyArray<{ readonly value: A; readonly message: BusMessage }>) => Effect.Effect<void, E, R>
): Effect.fn.Return<void, BusError, Bus | R | Scope.Scope> {
  const bus = yield* Bus
  const clock = yield* Clock.Clock
  const messages = yield* bus.subscribe(subject.name)
  const { decode } = messageCodec(subject)
  const garbageHere = Metric.withAttributes(garbage, { subject: subject.name })
  const limitGarbage = oncePerMinute(clock)
  const limitFailures = oncePerMinute(clock)

  const report = (problem: () => string, data: string) =>
    Effect.andThen(
      Metric.update(garbageHere, 1),
      limitGarbage((count) =>
        Effect.logWarning("garbage on the bus, dropped").pipe(
          Effect.annotateLogs({ subject: subject.name, problem: excerpt(problem()), message: excerpt(data), count })
        )
      )
    )

  const reportFailure = (cause: Cause.Cause<E>) =>
    limitFailures((count) =>
      Effect.logError("a message could not be handled", cause).pipe(
        Effect.annotateLogs({ subject: subject.name, count })
      )
    )

  // What fails or dies is caught around the loop and not around each message, and the loop goes on behind it.
  const handleAll = (batch: ReadonlyArray<BusMessage>): Effect.Effect<void, never, R> => {
    let next = 0
    const handleSome = (): Effect.Effect<void, E, R> => {
      const some: Array<{ readonly value: A; readonly message: BusMessage }> = []
      while (next < batch.length && some.length < atOnce) {
        const message = batch[next++]!
        const decoded = decode(message.data)
        if (Result.isSuccess(decoded)) some.push({ value: decoded.success, message })
        else {
          const told = report(decoded.failure, message.data)
          return some.length === 0 ? told : Effect.andThen(handle(some), told)
        }
      }
      return handle(some)
    }
    const rest: Effect.Effect<void, never, R> = Effect.catchCause(
      Effect.whileLoop({ while: () => next < batch.length, body: handleSome, step: () => {} }),
      (cause) => Effect.andThen(reportFailure(cause), rest)
    )
    return rest
  }

  yield* Effect.forkScoped(Stream.runForEachArray(messages, handleAll))
})
