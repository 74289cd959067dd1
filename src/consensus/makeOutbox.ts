import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Bus, type BusError } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import type { Subject } from "../domain/wire/Subject.ts"
import * as metrics from "./metrics.ts"

/** Messages that wait to be sent. */
const maxUnsent = 16_384

/** Sends in order, and never waits: what cannot be sent now is for the repeats of the ballot. */
export const makeOutbox: Effect.Effect<
  <A>(subject: Subject<A>, message: A) => Effect.Effect<void>,
  never,
  Bus | Scope.Scope
> = Effect.gen(function*() {
  const bus = yield* Bus
  const outbox = yield* Queue.dropping<Effect.Effect<void, BusError, Bus>>(maxUnsent)
  yield* Queue.take(outbox).pipe(
    Effect.flatten,
    Effect.timeoutOption("5 seconds"),
    Effect.flatMap((sent) => Option.isSome(sent) ? Effect.void : Metric.update(metrics.unsent, 1)),
    Effect.catch((error) =>
      Effect.andThen(
        Metric.update(metrics.unsent, 1),
        // A lost connection is a condition of the node already.
        error.reason._tag === "Disconnected" ? Effect.void : Effect.logWarning(error.message)
      )
    ),
    Effect.catchCause((cause) => Effect.logError("consensus: sending failed", cause)),
    Effect.forever,
    Effect.provideService(Bus, bus),
    Effect.forkScoped
  )
  return (subject, message) =>
    Effect.suspend(() =>
      Queue.offerUnsafe(outbox, Messages.send(subject, message)) ? Effect.void : Metric.update(metrics.unsent, 1)
    )
})
