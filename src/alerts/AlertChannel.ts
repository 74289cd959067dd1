import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { Config } from "../config/Config.ts"
import type { Outage } from "../domain/Outage.ts"
import { AlertStore } from "../store/AlertStore.ts"
import type { AlertError } from "./AlertError.ts"
import type { AlertMessage, Severity } from "./AlertMessage.ts"
import { channelsOf } from "./channelsOf.ts"
import { logChannel } from "./logChannel.ts"
import { MemoryChannel } from "./MemoryChannel.ts"

export { AlertError } from "./AlertError.ts"

/** Where alerts go. Each channel has a stable name, under which its deliveries are remembered. */
export interface Channel {
  readonly name: string
  /** What people know it by, where that is not its name: it may change with the place of the channel in the document. */
  readonly label?: string
  /**
   * Tells it, and may give back what the next message of the thread needs, such as an id. It may come again with the same
   * key.
   */
  readonly deliver: (message: AlertMessage) => Effect.Effect<string | void, AlertError>
  /** Whether the documents give it anybody to tell, where it may be without. When it has nobody it delivers nothing. */
  readonly isSet?: Effect.Effect<boolean>
  /** Gives up what it holds elsewhere and cannot be found again by another process, as a session that is not stored. */
  readonly release?: Effect.Effect<void, AlertError>
}

/** An outage as a board shows it. */
export interface Standing {
  readonly outage: Outage
  readonly state: "open" | "resolved"
  readonly severity: Severity
  /** As of a message. */
  readonly isTest?: boolean
}

/** Where all alerts that stand are shown, again and again. */
export interface Board {
  readonly name: string
  readonly every: Duration.Input
  /** How long the end of an outage is shown. */
  readonly showEnds: Duration.Input
  readonly show: (alerts: ReadonlyArray<Standing>) => Effect.Effect<void, AlertError>
}

/** What people call it. */
export const labelOf = (channel: Channel | Board): string =>
  isChannel(channel) ? channel.label ?? channel.name : channel.name

export const isChannel = (channel: Channel | Board): channel is Channel => "deliver" in channel
export const isBoard = (channel: Channel | Board): channel is Board => "show" in channel

/** Messages that the channel `memory` keeps. */
const kept = 10_000

/** The channels that are configured. */
export class AlertChannels extends Context.Service<AlertChannels, ReadonlyArray<Channel | Board>>()(
  "effect-geodns/alerts/AlertChannels"
) {
  /** The log, and the channels that the local document named at the start. */
  static readonly layer: Layer.Layer<AlertChannels, never, Config | AlertStore> = Layer.effect(
    AlertChannels,
    Effect.gen(function*() {
      const { current } = yield* Config
      const { local } = yield* current
      return channelsOf(local, yield* AlertStore, current)
    })
  )

  /** One channel, `log`: a readable line per message in the log of this process. */
  static readonly layerLog: Layer.Layer<AlertChannels> = Layer.succeed(AlertChannels, [logChannel])

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
