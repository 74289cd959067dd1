import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Config } from "../config/Config.ts"

/** One layer for a node in shadow mode, and another for all others. What both give is there for sure. */
export const ifShadow = <A, E, R, A2, E2, R2>(layers: {
  readonly shadow: Layer.Layer<A, E, R>
  readonly otherwise: Layer.Layer<A2, E2, R2>
}): Layer.Layer<Extract<A, A2>, E | E2, R | R2 | Config> =>
  Layer.unwrap(Effect.map(
    Config.use((config) => config.current),
    ({ local }): Layer.Layer<Extract<A, A2>, E | E2, R | R2> =>
      local.GeoDNS.Consensus.Shadow ? layers.shadow : layers.otherwise
  ))
