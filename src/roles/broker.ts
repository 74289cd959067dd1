import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Bus } from "../bus/Bus.ts"
import { natsOptions } from "../bus/NatsOptions.ts"
import { Config } from "../config/Config.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { Place } from "./Place.ts"
import { ifShadow } from "./shadow.ts"

const nats = Layer.unwrap(Effect.gen(function*() {
  const { local } = yield* Config.use((config) => config.current)
  const { file } = yield* Place
  const { id } = yield* NodeIdentity
  return Bus.layerNats({ ...natsOptions(local, file), name: id })
}))

/** The connection to the broker that the local document names. A shadow hears everything on it and says nothing. */
export const broker = ifShadow({ shadow: Layer.provide(Bus.layerMuted, nats), otherwise: nats })
