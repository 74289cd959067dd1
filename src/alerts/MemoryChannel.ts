import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { AlertError } from "./AlertError.ts"
import type { AlertMessage } from "./AlertMessage.ts"

/** The other end of the channel `memory`: what was delivered, and whether it takes messages. */
export class MemoryChannel extends Context.Service<MemoryChannel, {
  /** Every message that was delivered, in order, repeats included. */
  readonly messages: Effect.Effect<ReadonlyArray<AlertMessage>>
  /** What happens to a message before it is delivered: `Effect.void` at first; failing refuses it. */
  readonly before: (action: (message: AlertMessage) => Effect.Effect<void, AlertError>) => Effect.Effect<void>
}>()("effect-geodns/alerts/MemoryChannel") {}
