import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { randomUUID } from "node:crypto"
import type { Bus } from "./Bus.ts"
import { BusError, Congested, Disconnected, TooLong, Unencodable } from "./BusError.ts"
import { gatherAnswers } from "./gatherAnswers.ts"
import { type Inbox, inboxLimits, makeInbox } from "./Inbox.ts"
import { bytesOver, maxMessageBytes } from "./MessageSize.ts"
import { makeNatsConnector, settle } from "./NatsConnector.ts"
import type { NatsLink, Taken } from "./NatsLink.ts"
import type { NatsOptions } from "./NatsOptions.ts"
import { inboxOf } from "./replies.ts"
import { makeViolations } from "./Violations.ts"

/** Messages that may wait for room on their way to the broker; with more, and after {@link roomWithin}, sending fails. */
const maxWaiting = 1000
const roomWithin = Duration.seconds(5)

/** How often it is tried again to listen where the broker did not let us. */
const listenAgainEvery = Duration.seconds(60)

interface Subscription {
  readonly subject: string
  readonly inbox: Inbox
  stop: () => void
}

const noStop = () => {}

const isSubject = (text: string): boolean => text !== "" && !/\s/.test(text)

/** Waits until something may be on its way again, or the connection is lost. */
const room = (link: NatsLink): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const cancel = link.onRoom(() => resume(Effect.void))
    return Effect.sync(cancel)
  })

/** A client of a NATS broker, connected in the background until the scope closes. */
export const makeNatsBus = Effect.fnUntraced(function*(
  options: NatsOptions
): Effect.fn.Return<Bus["Service"], never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const subscriptions = new Set<Subscription>()
  const violations = makeViolations()
  let waiting = 0

  const listen = (subscription: Subscription, link: NatsLink | undefined) => {
    subscription.stop()
    subscription.stop = link === undefined ? noStop : link.listen(subscription.subject, subscription.inbox)
  }
  const connector = yield* makeNatsConnector(options, {
    onLink: (link) => {
      for (const subscription of subscriptions) listen(subscription, link)
    },
    onViolation: (violation) => violations.add(violation, now())
  })
  const listenAgain = Effect.sync(() => {
    for (const subscription of subscriptions) {
      if (violations.refusesSubscription(subscription.subject, now())) listen(subscription, connector.link())
    }
  })
  yield* Effect.forkScoped(Effect.repeat(listenAgain, Schedule.spaced(listenAgainEvery)))

  const taken = (subject: string, data: Uint8Array, reply: string | undefined): Taken => {
    const link = connector.link()
    return link === undefined || !connector.isOnline() ? "lost" : link.publish(subject, data, reply)
  }

  const send = (
    operation: BusError["operation"],
    subject: string,
    data: string,
    reply: string | undefined
  ): Effect.Effect<void, BusError> => {
    const refuse = (reason: BusError["reason"]) => Effect.fail(new BusError({ operation, subject, reason }))

    const sendWithRoom = (encoded: Uint8Array): Effect.Effect<void, BusError> =>
      Effect.suspend(() => {
        const link = connector.link()
        switch (taken(subject, encoded, reply)) {
          case "sent":
            return Effect.void
          case "lost":
            return refuse(new Disconnected())
          case "full":
            return link === undefined
              ? refuse(new Disconnected())
              : Effect.flatMap(room(link), () => sendWithRoom(encoded))
        }
      })

    return Effect.suspend(() => {
      if (!isSubject(subject) || (reply !== undefined && !isSubject(reply))) {
        return refuse(new Unencodable({ detail: "a subject is empty or has a space in it" }))
      }
      const limit = connector.link()?.maxPayload ?? maxMessageBytes
      const bytes = bytesOver(data, limit)
      if (bytes !== undefined) return refuse(new TooLong({ bytes, limit }))
      const encoded = Buffer.from(data)
      const first = taken(subject, encoded, reply)
      if (first === "sent") return Effect.void
      if (first === "lost") return refuse(new Disconnected())
      if (waiting >= maxWaiting) return refuse(new Congested())
      waiting++
      return sendWithRoom(encoded).pipe(
        Effect.timeoutOrElse({ duration: roomWithin, orElse: () => refuse(new Congested()) }),
        Effect.ensuring(Effect.sync(() => waiting--))
      )
    })
  }

  const open = Effect.fnUntraced(function*(subject: string): Effect.fn.Return<Inbox, BusError, Scope.Scope> {
    if (!isSubject(subject)) {
      const reason = new Unencodable({ detail: "the subject is empty or has a space in it" })
      return yield* new BusError({ operation: "subscribe", subject, reason })
    }
    const inbox = yield* makeInbox(inboxLimits)
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const subscription: Subscription = { subject, inbox, stop: noStop }
        subscriptions.add(subscription)
        listen(subscription, connector.link())
        return subscription
      }),
      (subscription) =>
        Effect.sync(() => {
          subscriptions.delete(subscription)
          subscription.stop()
          inbox.end()
        })
    )
    return inbox
  })

  const subscribe = Effect.fnUntraced(function*(subject: string) {
    const inbox = yield* open(subject)
    const link = connector.link()
    if (link !== undefined) yield* settle(link)
    return inbox.messages
  })

  const askAll: Bus["Service"]["askAll"] = Effect.fn("Bus.askAll")(function*(subject, data, question) {
    const address = `${inboxOf(options.name)}.${randomUUID()}`
    const inbox = yield* open(address)
    yield* send("askAll", subject, data, address)
    return yield* gatherAnswers(inbox.messages, question)
  }, Effect.scoped)

  return {
    publish: (subject, data, reply) => send("publish", subject, data, reply),
    subscribe,
    askAll,
    connected: Effect.sync(connector.isOnline),
    problem: Effect.sync(() => connector.isOnline() ? violations.describe(now()) : connector.problem()),
    connection: Stream.changes(SubscriptionRef.changes(connector.online))
  }
})
