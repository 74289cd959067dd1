import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { BusError } from "./BusError.ts"
import { MemoryBroker } from "./MemoryBroker.ts"
import { makeMemoryBus } from "./MemoryBus.ts"
import { makeMutedBus } from "./MutedBus.ts"
import { makeNatsBus } from "./NatsBus.ts"
import type { NatsOptions } from "./NatsOptions.ts"

export { BusError, Congested, Disconnected, TooLong, Unencodable } from "./BusError.ts"

/** A message as it came. */
export interface BusMessage {
  readonly subject: string
  readonly data: string
  /** Where an answer goes, if the sender wants one. */
  readonly reply: string | undefined
}

/** How long to wait for answers, and for how many. */
export interface AskOptions {
  readonly wait: Duration.Input
  /** Answers that are enough: 1,000 unless given. */
  readonly max?: number
  /**
   * Whether an answer is one to the question; all are unless given. Whoever hears a question can answer it: what fits not does not
   * count as one of `max`, so that nobody ends a question for others by being faster. Bounded: 1,024 of those, or 16 Mi characters, end it.
   */
  readonly accept?: (answer: BusMessage) => boolean
}

/**
 * Publish, subscribe and ask all. One client of the bus; it does not hear what it publishes itself.
 *
 * A subject may end in `.>` when subscribing: everything below it.
 */
export class Bus extends Context.Service<Bus, {
  /**
   * Sends to everyone who listens on `subject`, at most 1 MiB of UTF-8, or what the broker takes if that is less. Nobody
   * may be listening. Fails at once without a connection. Success means that it was handed to a connection that works as
   * far as is known: what is on its way when that breaks may arrive or not (on NATS counted,
   * `geodns_bus_unconfirmed_total`). Waits at most 5 s when the broker is slow.
   */
  readonly publish: (subject: string, data: string, reply?: string) => Effect.Effect<void, BusError>
  /**
   * Subscribes until the scope closes; the stream ends then. It never waits: when the bus is connected the subscription
   * is in place when the effect succeeds, and nothing published after that is missed; else it takes effect with the
   * connection. It outlives a lost one. What a slow reader leaves waiting is bounded; the oldest goes first, counted.
   */
  readonly subscribe: (subject: string) => Effect.Effect<Stream.Stream<BusMessage>, BusError, Scope.Scope>
  /**
   * Publishes with a reply subject and gathers every answer that is acceptable until `wait` is over or there are enough.
   * Which answers are missing is for the caller to know.
   */
  readonly askAll: (
    subject: string,
    data: string,
    options: AskOptions
  ) => Effect.Effect<ReadonlyArray<BusMessage>, BusError>
  readonly connected: Effect.Effect<boolean>
  /**
   * Why the client is not connected, or what the broker does not let it do, for an operator; undefined when all is well.
   * No secrets.
   */
  readonly problem: Effect.Effect<string | undefined>
  /** Whether the client is connected: now, and after every change. */
  readonly connection: Stream.Stream<boolean>
}>()("effect-geodns/bus/Bus") {
  /**
   * A client of the `MemoryBroker` in context. Every call makes another client, so that several nodes of one
   * process do not share one; `name` is what the broker's faults know it by.
   */
  static readonly layerMemory = (options: { readonly name: string }): Layer.Layer<Bus, never, MemoryBroker> =>
    Layer.effect(
      Bus,
      Effect.gen(function*() {
        const broker = yield* MemoryBroker
        return Bus.of(makeMemoryBus(yield* broker.connect(options.name)))
      })
    )

  /**
   * The bus in context for a node in shadow mode: it hears everything, and nothing of it goes out but its own questions.
   */
  static readonly layerMuted: Layer.Layer<Bus, never, Bus> = Layer.effect(
    Bus,
    Effect.map(Bus, (bus) => Bus.of(makeMutedBus(bus)))
  )

  /**
   * A client of a NATS broker. The layer stands at once, whether there is a broker or not; the client connects in the
   * background and for ever, 2 s apart, and `problem` tells why it is not connected. Needs `@nats-io/transport-node`.
   */
  static readonly layerNats = (options: NatsOptions): Layer.Layer<Bus> => Layer.effect(Bus, makeNatsBus(options))
}
