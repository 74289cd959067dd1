import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Opinion, Opinions } from "../status/Opinions.ts"
import { Monitor } from "./Monitor.ts"

/** What this monitor would vote for: its results after hysteresis, without what is stale. */
export const opinions: Layer.Layer<Opinions, never, Monitor> = Layer.effect(
  Opinions,
  Effect.map(Monitor, ({ results }) =>
    Opinions.of({
      current: Effect.map(results, (all) =>
        all.flatMap(({ debounced, stale, target }): ReadonlyArray<Opinion> =>
          stale || debounced === undefined ? [] : [{ target, up: debounced }]
        ))
    }))
)
