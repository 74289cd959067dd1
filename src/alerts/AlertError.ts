import * as Schema from "effect/Schema"

/** A channel could not deliver a message. `isRetryable`: the channel is in trouble, and not this message. */
export class AlertError extends Schema.TaggedError<AlertError>()("AlertError", {
  channel: Schema.String,
  problem: Schema.String,
  isRetryable: Schema.Boolean,
  /** Nothing gets through, whatever it is, so the messages wait in their order. */
  isDown: Schema.optionalKey(Schema.Boolean),
  /** With `isDown`: or it is this message alone. Whether another one gets through tells. */
  isOdd: Schema.optionalKey(Schema.Boolean),
  /** There was no answer: people may have got the message all the same. */
  mayHaveArrived: Schema.optionalKey(Schema.Boolean),
  /** How long the channel wants to be left alone, in milliseconds. */
  retryAfter: Schema.optionalKey(Schema.Number)
}) {
  override get message(): string {
    return `${this.channel}: ${this.problem}`
  }

  /** The same, but for what is given. */
  but(over: Partial<Pick<AlertError, "isRetryable" | "isDown" | "isOdd" | "retryAfter">>): AlertError {
    const { channel, isDown, isOdd, isRetryable, mayHaveArrived, problem, retryAfter } = this
    return new AlertError({
      channel,
      problem,
      isRetryable,
      ...isDown !== undefined && { isDown },
      ...isOdd !== undefined && { isOdd },
      ...mayHaveArrived !== undefined && { mayHaveArrived },
      ...retryAfter !== undefined && { retryAfter },
      ...over
    })
  }
}
