import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Lets a log line through once per minute and tells it how many it stands for. */
export const oncePerMinute = (clock: Clock.Clock) => {
  let next: bigint | undefined
  let suppressed = 0
  return (log: (count: number) => Effect.Effect<void>): Effect.Effect<void> => {
    suppressed++
    const now = clock.monotonicTimeNanosUnsafe()
    if (next !== undefined && now < next) return Effect.void
    const count = suppressed
    next = now + 60_000_000_000n
    suppressed = 0
    return log(count)
  }
}
