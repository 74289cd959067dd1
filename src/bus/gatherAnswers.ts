import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AskOptions, BusMessage } from "./Bus.ts"
import { defaultMaxAnswers } from "./replies.ts"

/** Answers of one question that were not acceptable, and their characters together, before no more is looked at. */
export const maxUnfit = { answers: 1_024, chars: 16 * 1024 * 1024 }

/** Characters of those that are looked at in one go. */
const turnChars = 256 * 1024

/** What comes to the inbox of one question until it is over, or enough. What is not acceptable is not part of it. */
export const gatherAnswers = (
  messages: Stream.Stream<BusMessage>,
  { accept, max = defaultMaxAnswers, wait }: AskOptions
): Effect.Effect<ReadonlyArray<BusMessage>> =>
  Effect.suspend(() => {
    const gathered: Array<BusMessage> = []
    let unfit = 0
    let chars = 0
    const isOver = (answer: BusMessage): Effect.Effect<boolean> => {
      if (accept === undefined || accept(answer)) return Effect.succeed(gathered.push(answer) >= max)
      const before = chars
      chars += answer.data.length
      const isEnough = ++unfit >= maxUnfit.answers || chars >= maxUnfit.chars
      // To look at long ones takes a while: the others have their turn between.
      const isTurn = Math.floor(before / turnChars) !== Math.floor(chars / turnChars)
      return isTurn ? Effect.as(Effect.yieldNow, isEnough) : Effect.succeed(isEnough)
    }
    if (max <= 0) return Effect.succeed(gathered)
    return messages.pipe(
      Stream.takeUntilEffect(isOver),
      Stream.runDrain,
      Effect.timeoutOption(wait),
      Effect.as(gathered)
    )
  })
