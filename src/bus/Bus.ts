import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/** The connection to the bus is down: nothing was sent. */
export class Disconnected extends Schema.TaggedError<Disconnected>()("Disconnected", {}) {}

/** The message is longer than the bus takes. */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", { bytes: Schema.Int, limit: Schema.Int }) {}

/** A message could not be sent. It is never lost silently. */
export class BusError extends Schema.TaggedError<BusError>()("BusError", {
  operation: Schema.Literals(["publish", "subscribe", "askAll"]),
  subject: Schema.String,
  reason: Schema.Union([Disconnected, TooLong])
}) {
  override get message(): string {
    return this.reason._tag === "Disconnected"
      ? `${this.operation} on ${this.subject}: the bus is not connected, nothing was sent`
      : `${this.operation} on ${this.subject}: ${this.reason.bytes} bytes, the bus takes ${this.reason.limit}`
  }
}

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
  readonly publish: (subject: string, data: string, reply?: string) => Effect.Effect<void, BusError>
  /**
   * Subscribes until the scope closes. The subscription is in place when the effect succeeds: nothing published after
   * that is missed. What a slow reader leaves waiting is bounded; the oldest goes first, counted.
   */
  readonly subscribe: (subject: string) => Effect.Effect<Stream.Stream<BusMessage>, BusError, Scope.Scope>
  /** Publishes with a reply subject and gathers every answer until `wait` is over or there are `max`. */
  readonly askAll: (
    subject: string,
    data: string,
    options: { readonly wait: Duration.Input; readonly max?: number }
  ) => Effect.Effect<ReadonlyArray<BusMessage>, BusError>
  readonly connected: Effect.Effect<boolean>
  /** Whether the client is connected: now, and after every change. */
  readonly connection: Stream.Stream<boolean>
}>()("effect-geodns/bus/Bus") {}
