import type * as Clock from "effect/Clock"

/**
 * Milliseconds of a clock that only goes forward: for everything that is due, late or takes time. The wall clock may be
 * set back, and then nothing would be due for as long.
 */
export const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
