import * as Schema from "effect/Schema"

/** A channel could not deliver a message. `isRetryable`: the channel is in trouble, and not this message. */
export class AlertError extends Schema.TaggedError<AlertError>()("AlertError", {
  channel: Schema.String,
  problem: Schema.String,
  isRetryable: Schema.Boolean
}) {
  override get message(): string {
    return `${this.channel}: ${this.problem}`
  }
}
