import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type { AlertError } from "./AlertError.ts"
import type { AlertMessage } from "./AlertMessage.ts"
import { alertText } from "./AlertText.ts"
import { MemoryChannel } from "./MemoryChannel.ts"

export { AlertError } from "./AlertError.ts"

/** Where alerts go. Each channel has a stable name, under which its deliveries are remembered. */
export interface Channel {
  readonly name: string
  readonly deliver: (message: AlertMessage) => Effect.Effect<void, AlertError>
}

/** Messages that the channel `memory` keeps. */
const kept = 10_000

/** The channels that are configured. */
export class AlertChannels extends Context.Service<AlertChannels, ReadonlyArray<Channel>>()(
  "effect-geodns/alerts/AlertChannels"
) {
  /** One channel, `log`: a readable line per message in the log of this process. */
  static readonly layerLog: Layer.Layer<AlertChannels> = Layer.succeed(AlertChannels, [{
    name: "log",
    deliver: (message) => {
      const line = alertText(message)
      return (message.kind === "resolved" ? Effect.logInfo(line) : Effect.logWarning(line)).pipe(
        Effect.annotateLogs({ outage: message.outage.id })
      )
    }
  }])

  /** One channel, `memory`, that keeps what it is told. */
  static readonly layerMemory: Layer.Layer<AlertChannels | MemoryChannel> = Layer.effectContext(
    Effect.gen(function*() {
      const messages = yield* Ref.make<ReadonlyArray<AlertMessage>>([])
      const before = yield* Ref.make<(message: AlertMessage) => Effect.Effect<void, AlertError>>(() => Effect.void)
      const deliver = Effect.fnUntraced(function*(message: AlertMessage) {
        yield* (yield* Ref.get(before))(message)
        yield* Ref.update(messages, (all) => [...all.slice(1 - kept), message])
      })
      return Context.make(AlertChannels, [{ name: "memory", deliver }]).pipe(
        Context.add(MemoryChannel, {
          messages: Ref.get(messages),
          before: (action) => Ref.set(before, action)
        })
      )
    })
  )
}
