import * as Schema from "effect/Schema"

/** The connection to the bus is down: nothing was sent. */
export class Disconnected extends Schema.TaggedError<Disconnected>()("Disconnected", {}) {}

/** The broker takes messages more slowly than they come, and too many wait already: this one was not sent. */
export class Congested extends Schema.TaggedError<Congested>()("Congested", {}) {}

/** The message is longer than the bus, or those who listen on the subject, take. Both in bytes. */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", { bytes: Schema.Int, limit: Schema.Int }) {}

/** The value has no form on the wire: an empty id, a time that is none, data that is no JSON. */
export class Unencodable extends Schema.TaggedError<Unencodable>()("Unencodable", { detail: Schema.String }) {}

/** A message could not be sent. It is never lost silently. */
export class BusError extends Schema.TaggedError<BusError>()("BusError", {
  operation: Schema.Literals(["publish", "subscribe", "askAll"]),
  subject: Schema.String,
  reason: Schema.Union([Disconnected, Congested, TooLong, Unencodable])
}) {
  override get message(): string {
    const where = `${this.operation} on ${this.subject}`
    switch (this.reason._tag) {
      case "Disconnected":
        return `${where}: the bus is not connected, nothing was sent`
      case "Congested":
        return `${where}: the broker takes nothing at the moment, nothing was sent`
      case "TooLong":
        return `${where}: ${this.reason.bytes} bytes, the limit is ${this.reason.limit}; nothing was sent`
      case "Unencodable":
        return `${where}: no message can be made of the value, nothing was sent: ${this.reason.detail}`
    }
  }
}
