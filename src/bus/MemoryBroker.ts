import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { BusMessage } from "./Bus.ts"
import { countDropped, type Inbox, inboxLimits, makeInbox } from "./Inbox.ts"

/** What the network does to each delivery, that is each message for each of those who listen to it. */
export interface Faults {
  /** The probability that it is lost. */
  readonly loss: number
  /** The probability that it comes twice. */
  readonly duplication: number
  /** How long it takes, evenly spread between the two. Different delays reorder. */
  readonly delay: { readonly min: Duration.Input; readonly max: Duration.Input }
}

const noFaults: Faults = { loss: 0, duplication: 0, delay: { min: 0, max: 0 } }

/** Deliveries that may be under way at once; more are dropped, counted. */
const maxUnderWay = 100_000

/** One client of the broker, below the service `Bus`. */
export interface MemoryClient {
  /** Unlike that of any other client of the broker. */
  readonly id: number
  /** Sends to everyone else who listens. Succeeds with false, and sends nothing, while the client is disconnected. */
  readonly publish: (subject: string, data: string, reply: string | undefined) => Effect.Effect<boolean>
  readonly subscribe: (subject: string) => Effect.Effect<Stream.Stream<BusMessage>, never, Scope.Scope>
  readonly connected: Effect.Effect<boolean>
  readonly connection: Stream.Stream<boolean>
}

interface Client {
  readonly name: string
  readonly online: SubscriptionRef.SubscriptionRef<boolean>
}

interface Subscription {
  readonly client: Client
  readonly inbox: Inbox
}

/**
 * A broker inside the process, for tests, the demo and a node that runs alone. Many clients share it.
 *
 * Without faults a message is there at once and in order. The faults can be changed while everything runs; they draw
 * from the `Random` and wait on the `Clock` that the broker was made with, so that one seed gives one run.
 */
export class MemoryBroker extends Context.Service<MemoryBroker, {
  /** Connects a client until the scope closes. Two clients may have one name: the faults then strike both. */
  readonly connect: (name: string) => Effect.Effect<MemoryClient, never, Scope.Scope>
  /** Changes the faults that are named; the others stay. Deliveries under way keep their fate. */
  readonly setFaults: (faults: Partial<Faults>) => Effect.Effect<void>
  /**
   * Cuts the network between groups of client names; those that are in no group form one more. What is under way
   * between two groups is lost. Replaces an earlier partition.
   */
  readonly partition: (groups: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void>
  /** Ends the partition. */
  readonly heal: Effect.Effect<void>
  /** Takes the connection from a client, or lets one that comes later start without it. What is sent to it is lost. */
  readonly disconnect: (name: string) => Effect.Effect<void>
  /** Gives the connection back. Subscriptions are in place again. */
  readonly reconnect: (name: string) => Effect.Effect<void>
}>()("effect-geodns/bus/MemoryBroker") {
  static readonly layer: Layer.Layer<MemoryBroker> = Layer.effect(
    MemoryBroker,
    Effect.gen(function*() {
      const random = yield* Random.Random
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const context = yield* Effect.context<never>()

      let lastId = 0
      let underWay = 0
      let faults = noFaults
      let faultless = true
      let groups: ReadonlyMap<string, number> | undefined
      const offline = new Set<string>()
      const clients = new Set<Client>()
      const subscriptions = new Map<string, Set<Subscription>>()
      // By the prefix that ends in a dot.
      const wildcards = new Map<string, Set<Subscription>>()

      const reaches = (from: Client, to: Client): boolean =>
        !offline.has(to.name) && (groups === undefined || groups.get(from.name) === groups.get(to.name))

      const deliver = (from: Client, to: Subscription, message: BusMessage): void => {
        if (reaches(from, to.client)) to.inbox.offer(message)
      }

      /** Milliseconds until each copy arrives: none when it is lost, two when it is doubled. */
      const drawDelays = (): ReadonlyArray<number> => {
        if (random.nextDoubleUnsafe() < faults.loss) return []
        const min = Duration.toMillis(faults.delay.min)
        const spread = Duration.toMillis(faults.delay.max) - min
        const delay = () => min + random.nextDoubleUnsafe() * spread
        return random.nextDoubleUnsafe() < faults.duplication ? [delay(), delay()] : [delay()]
      }

      const listeners = function*(from: Client, subject: string): Generator<Subscription> {
        for (const to of subscriptions.get(subject) ?? []) if (to.client !== from) yield to
        for (const [prefix, set] of wildcards) {
          if (subject.length > prefix.length && subject.startsWith(prefix)) {
            for (const to of set) if (to.client !== from) yield to
          }
        }
      }

      const send = (from: Client, to: Subscription, message: BusMessage, delay: number): Effect.Effect<void> =>
        Effect.suspend(() => {
          if (delay <= 0) return Effect.sync(() => deliver(from, to, message))
          if (underWay >= maxUnderWay) return Effect.sync(() => countDropped(context))
          underWay++
          return clock.sleep(Duration.millis(delay)).pipe(
            Effect.andThen(Effect.sync(() => deliver(from, to, message))),
            Effect.ensuring(Effect.sync(() => underWay--)),
            Effect.forkIn(scope, { startImmediately: true })
          )
        })

      const publish = (from: Client, message: BusMessage): Effect.Effect<boolean> =>
        Effect.suspend(() => {
          if (offline.has(from.name)) return Effect.succeed(false)
          if (faultless) {
            for (const to of listeners(from, message.subject)) deliver(from, to, message)
            return Effect.succeed(true)
          }
          const sends = [...listeners(from, message.subject)]
            .filter((to) => reaches(from, to.client))
            .flatMap((to) => drawDelays().map((delay) => send(from, to, message, delay)))
          return Effect.as(Effect.all(sends, { discard: true }), true)
        })

      const subscribe = Effect.fnUntraced(function*(client: Client, subject: string) {
        const inbox = yield* makeInbox(inboxLimits)
        const subscription: Subscription = { client, inbox }
        const [index, key] = subject.endsWith(".>") ? [wildcards, subject.slice(0, -1)] : [subscriptions, subject]
        const set = index.get(key) ?? new Set()
        index.set(key, set.add(subscription))
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            set.delete(subscription)
            if (set.size === 0 && index.get(key) === set) index.delete(key)
            inbox.end()
          })
        )
        return inbox.messages
      })

      const connect = Effect.fnUntraced(function*(name: string) {
        const id = ++lastId
        const client: Client = { name, online: yield* SubscriptionRef.make(!offline.has(name)) }
        yield* Effect.acquireRelease(
          Effect.sync(() => clients.add(client)),
          () => Effect.sync(() => clients.delete(client))
        )
        const memoryClient: MemoryClient = {
          id,
          publish: (subject, data, reply) => publish(client, { subject, data, reply }),
          subscribe: (subject) => subscribe(client, subject),
          connected: SubscriptionRef.get(client.online),
          connection: SubscriptionRef.changes(client.online)
        }
        return memoryClient
      })

      const setOnline = (name: string, online: boolean): Effect.Effect<void> =>
        Effect.suspend(() => {
          if (online === !offline.has(name)) return Effect.void
          if (online) offline.delete(name)
          else offline.add(name)
          return Effect.forEach(
            [...clients].filter((client) => client.name === name),
            (client) => SubscriptionRef.set(client.online, online),
            { discard: true }
          )
        })

      return MemoryBroker.of({
        connect,
        setFaults: (changes) =>
          Effect.sync(() => {
            faults = { ...faults, ...changes }
            faultless = faults.loss <= 0 && faults.duplication <= 0 && Duration.toMillis(faults.delay.max) <= 0
          }),
        partition: (names) =>
          Effect.sync(() => {
            groups = new Map(names.flatMap((group, index) => group.map((name) => [name, index])))
          }),
        heal: Effect.sync(() => {
          groups = undefined
        }),
        disconnect: (name) => setOnline(name, false),
        reconnect: (name) => setOnline(name, true)
      })
    })
  )
}
