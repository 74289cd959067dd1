import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { BusError } from "./BusError.ts"
import { MemoryBroker } from "./MemoryBroker.ts"
import { makeMemoryBus } from "./MemoryBus.ts"

export { BusError, Disconnected, TooLong, Unencodable } from "./BusError.ts"

/** A message as it came. */
export interface BusMessage {
  readonly subject: string
  readonly data: string
  /** Where an answer goes, if the sender wants one. */
  readonly reply: string | undefined
}

/**
 * Publish, subscribe and ask all. One client of the bus; it does not hear what it publishes itself.
 *
 * A subject may end in `.>` when subscribing: everything below it.
 */
export class Bus extends Context.Service<Bus, {
  /** Sends to everyone who listens on `subject`, at most 1 MiB of UTF-8. Nobody may be listening. */
  readonly publish: (subject: string, data: string, reply?: string) => Effect.Effect<void, BusError>
  /**
   * Subscribes until the scope closes; the stream ends then. It never waits: when the bus is connected the subscription
   * is in place when the effect succeeds, and nothing published after that is missed; else it takes effect with the
   * connection. It outlives a lost one. What a slow reader leaves waiting is bounded; the oldest goes first, counted.
   */
  readonly subscribe: (subject: string) => Effect.Effect<Stream.Stream<BusMessage>, BusError, Scope.Scope>
  /**
   * Publishes with a reply subject and gathers every answer until `wait` is over or there are `max` (1,000 unless given).
   * Which answers are missing is for the caller to know.
   */
  readonly askAll: (
    subject: string,
    data: string,
    options: { readonly wait: Duration.Input; readonly max?: number }
  ) => Effect.Effect<ReadonlyArray<BusMessage>, BusError>
  readonly connected: Effect.Effect<boolean>
  /** Why the client is not connected, for an operator; undefined when it is. No secrets. */
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
}
