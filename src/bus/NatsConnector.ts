import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { formatNatsAddress, type NatsAddress, parseNatsAddress } from "./NatsAddress.ts"
import { natsDial } from "./natsDial.ts"
import { makeNatsLink, type NatsLink, type Violation } from "./NatsLink.ts"
import type { NatsOptions } from "./NatsOptions.ts"
import { describeProblem, isRefusal } from "./natsProblem.ts"

/** From one attempt to connect to the next one, and to the next one after the broker refused us. */
const retryAfter = 2_000
const retryRefusedAfter = 10_000

/**
 * A pause and up to a quarter more, half a second at least, as `random` from 0 to 1 says: all nodes lose a broker at the same
 * moment, and shall not come back to it at the same moment.
 */
export const spread = (pause: number, random: number): number => pause + random * Math.max(500, pause / 4)

/** A ping every so often; two in a row without an answer within {@link pongWithin} mean that the connection is lost. */
const pingEvery = Duration.seconds(5)
const pongWithin = Duration.seconds(4)

/** How long to wait for the broker's word where nothing depends on it. */
const settleWithin = Duration.seconds(1)

const unconfirmed = Metric.counter("geodns_bus_unconfirmed_total", {
  description: "Messages on their way when a connection was lost: they may have arrived or not",
  incremental: true
})

/** Keeps one client connected. */
export interface NatsConnector {
  /** The connection that is there now; it may be lost the next moment. */
  readonly link: () => NatsLink | undefined
  /** Whether it can be published on. */
  readonly isOnline: () => boolean
  readonly online: SubscriptionRef.SubscriptionRef<boolean>
  /** Why there is no connection. */
  readonly problem: () => string
}

/** Waits a little for the broker to have taken up all that was sent. True when it has. */
export const settle = (link: NatsLink): Effect.Effect<boolean> =>
  Effect.map(Effect.timeoutOption(Effect.promise(link.confirm), settleWithin), Option.getOrElse(() => false))

/**
 * Connects in the background and for ever, 2 s apart, to whichever server answers. `onLink` puts the subscriptions on a
 * new connection; it is online when the broker has them.
 */
export const makeNatsConnector = Effect.fnUntraced(function*(
  options: NatsOptions,
  handlers: { readonly onLink: (link: NatsLink) => void; readonly onViolation: (violation: Violation) => void }
): Effect.fn.Return<NatsConnector, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const online = yield* SubscriptionRef.make(false)
  const parsed = options.servers.map(parseNatsAddress)
  const addresses = parsed.filter((address) => address !== undefined)
  const unreadable = parsed.findIndex((address) => address === undefined)
  let link: NatsLink | undefined
  let ready = false
  let problem = unreadable < 0
    ? "no connection yet"
    : `Nats.Url: entry ${unreadable + 1} is no nats://host:port or tls://host:port`
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

  const dial = (address: NatsAddress) =>
    Effect.result(
      Effect.tryPromise({ try: (signal) => natsDial(options, address, signal), catch: (error: unknown) => error })
    )

  /** A link to the first server that lets us in, or how long to wait before asking again, in milliseconds. */
  const dialAny = Effect.gen(function*() {
    const problems: Array<string> = []
    let wait = addresses.length === 0 ? retryRefusedAfter : retryAfter
    for (const address of yield* Random.shuffle(addresses)) {
      const dialed = yield* dial(address)
      if (Result.isSuccess(dialed)) return makeNatsLink(dialed.success, handlers.onViolation)
      if (isRefusal(dialed.failure)) wait = retryRefusedAfter
      problems.push(`${formatNatsAddress(address)}: ${describeProblem(options, addresses, dialed.failure)}`)
    }
    if (problems.length > 0) problem = problems.sort().join("; ")
    return wait
  })

  /** Ends when two pings in a row had no answer. */
  const heartbeat = Effect.fnUntraced(function*(current: NatsLink) {
    for (let missed = 0; missed < 2;) {
      if (missed === 0) yield* Effect.sleep(pingEvery)
      const before = current.received()
      const answered = yield* Effect.timeoutOption(Effect.promise(current.confirm), pongWithin)
      // In a flood the answer is far behind: whatever comes is a sign of life.
      missed = Option.isSome(answered) || current.received() !== before ? 0 : missed + 1
    }
    return new Error("the broker does not answer")
  })

  const serve = Effect.fnUntraced(function*(current: NatsLink) {
    link = current
    handlers.onLink(current)
    if (yield* settle(current)) {
      ready = true
      yield* SubscriptionRef.set(online, true)
    }
    const reason = yield* ready
      ? Effect.raceFirst(heartbeat(current), Effect.promise(() => current.lost))
      : Effect.succeed(new Error("the broker does not answer"))
    current.close(reason instanceof Error ? reason : undefined)
    link = undefined
    const lost = current.unconfirmed()
    problem = `the connection was lost: ${describeProblem(options, addresses, reason)}`
    if (ready) {
      ready = false
      yield* SubscriptionRef.set(online, false)
    }
    if (lost > 0) {
      yield* Metric.update(unconfirmed, lost)
      yield* Effect.logWarning("the connection to the broker was lost: messages on their way may not have arrived")
        .pipe(
          Effect.annotateLogs({ messages: lost })
        )
    }
    return isRefusal(reason) ? retryRefusedAfter : 0
  })

  const round = Effect.gen(function*() {
    const began = now()
    const dialed = yield* dialAny
    const wait = typeof dialed === "number" ? dialed : yield* serve(dialed)
    yield* Effect.sleep(spread(Math.max(wait, began + retryAfter - now(), 0), yield* Random.next))
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.andThen(Effect.logError("bus: a round failed", cause), Effect.sleep(retryAfter))
    )
  )

  // Runs after the loop below was ended.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      const last = link
      ready = false
      return last === undefined
        ? Effect.void
        : Effect.andThen(settle(last), Effect.sync(() => last.close()))
    })
  )
  yield* Effect.forkScoped(Effect.forever(round))

  return {
    link: () => link,
    isOnline: () => ready && link?.isOpen() === true,
    online,
    problem: () => problem
  }
})
