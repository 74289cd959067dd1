import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AnswerBudget, type AnswerRate } from "../bus/AnswerBudget.ts"

/** Lets so much pass at once, and so much a second after that: what is more waits. For one caller at a time. */
export const makePace = (rate: AnswerRate): Effect.Effect<(count: number) => Effect.Effect<void>> =>
  Effect.map(Clock.Clock, (clock) => {
    const budget = new AnswerBudget(rate)
    return (count) =>
      Effect.suspend(() => {
        const isFree = budget.allows(Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))
        budget.spend(count)
        return isFree ? Effect.void : Effect.sleep(budget.wait())
      })
  })
