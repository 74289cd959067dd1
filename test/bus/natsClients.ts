import { Context, Effect, Layer, type Scope, Stream } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import type { NatsOptions } from "../../src/bus/NatsOptions.ts"

/** A client of our own, connected or not. */
export const natsBus = (options: Partial<NatsOptions>): Effect.Effect<Bus["Service"], never, Scope.Scope> =>
  Effect.map(
    Layer.build(Bus.layerNats({ servers: [], name: "test", ...options })),
    (context) => Context.get(context, Bus)
  )

/** Waits until a client is connected, or is not; dies after `within`. Gives the milliseconds that it took. */
export const until = (bus: Bus["Service"], connected: boolean, within = "20 seconds" as const): Effect.Effect<number> =>
  Effect.gen(function*() {
    const began = performance.now()
    yield* bus.connection.pipe(
      Stream.filter((now) => now === connected),
      Stream.runHead,
      Effect.timeoutOrElse({
        duration: within,
        orElse: () => Effect.flatMap(bus.problem, (problem) => Effect.die(`still not ${connected}: ${problem}`))
      })
    )
    return performance.now() - began
  })

/** Waits until something holds; dies after 20 s. */
export const eventually = (what: string, holds: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.sleep("10 millis").pipe(
    Effect.andThen(holds),
    Effect.repeat({ until: (yes) => yes }),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(`never: ${what}`) }),
    Effect.asVoid
  )
