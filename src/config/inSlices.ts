import * as Effect from "effect/Effect"
import type { Slices } from "../domain/Slices.ts"

/** Does work to its end. Wherever it gives way, others have their turn. */
export const inSlices = Effect.fnUntraced(function*<A>(slices: Slices<A>): Effect.fn.Return<A> {
  let step = slices.next()
  while (step.done !== true) {
    yield* Effect.yieldNow
    step = slices.next()
  }
  return step.value
})
