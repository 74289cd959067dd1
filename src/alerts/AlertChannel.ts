import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AlertMessage } from "./AlertMessage.ts"

/** A channel could not deliver a message. */
export class AlertError extends Schema.TaggedError<AlertError>()("AlertError", {
  channel: Schema.String,
  problem: Schema.String,
  isRetryable: Schema.Boolean
}) {}

/** Where alerts go. Each channel has a stable name, under which its deliveries are remembered. */
export interface Channel {
  readonly name: string
  readonly deliver: (message: AlertMessage) => Effect.Effect<void, AlertError>
}

/** The channels that are configured. */
export class AlertChannels extends Context.Service<AlertChannels, ReadonlyArray<Channel>>()(
  "effect-geodns/alerts/AlertChannels"
) {}
