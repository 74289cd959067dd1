import * as Effect from "effect/Effect"

/** What runs until a signal stops it. That is how a service ends, and no failure: the exit code is 0. */
export const service = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onInterrupt(effect, () =>
    Effect.sync(() => {
      process.exitCode = 0
    }))
