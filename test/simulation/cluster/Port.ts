import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { BusMessage } from "../../../src/bus/Bus.ts"
import { type Inbox, inboxLimits, makeInbox } from "../../../src/bus/Inbox.ts"
import type { MemoryClient } from "../../../src/bus/MemoryBroker.ts"

/** Where a node is connected to the simulated bus: what it listens to, and whether it is connected. */
export class Port {
  readonly #subscriptions = new Map<string, Set<Inbox>>()
  readonly #online: SubscriptionRef.SubscriptionRef<boolean>
  readonly client: MemoryClient
  #isOnline: boolean

  /** `id` is unlike that of any other port. `send` gives what is published to the network. */
  constructor(options: {
    readonly id: number
    readonly isOnline: boolean
    readonly online: SubscriptionRef.SubscriptionRef<boolean>
    readonly send: (message: BusMessage) => void
  }) {
    this.#isOnline = options.isOnline
    this.#online = options.online
    this.client = {
      id: options.id,
      publish: (subject, data, reply) =>
        Effect.sync(() => {
          if (this.#isOnline) options.send({ subject, data, reply })
          return this.#isOnline
        }),
      subscribe: (subject) => this.#subscribe(subject),
      connected: Effect.sync(() => this.#isOnline),
      connection: SubscriptionRef.changes(this.#online)
    }
  }

  /** A message arrives. */
  receive(message: BusMessage): void {
    if (!this.#isOnline) return
    for (const inbox of this.#subscriptions.get(message.subject) ?? []) inbox.offer(message)
  }

  setOnline(isOnline: boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#isOnline = isOnline
      return SubscriptionRef.set(this.#online, isOnline)
    })
  }

  readonly #subscribe = Effect.fnUntraced(
    function*(this: Port, subject: string): Effect.fn.Return<Inbox["messages"], never, Scope.Scope> {
      const inbox = yield* makeInbox(inboxLimits)
      const listening = this.#subscriptions.get(subject) ?? new Set()
      this.#subscriptions.set(subject, listening.add(inbox))
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          listening.delete(inbox)
          if (listening.size === 0) this.#subscriptions.delete(subject)
          inbox.end()
        })
      )
      return inbox.messages
    }
  ).bind(this)
}
