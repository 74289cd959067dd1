import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Subject } from "../domain/wire/Subject.ts"
import { AnswerBudget, type AnswerRate } from "./AnswerBudget.ts"
import { isInbox } from "./replies.ts"

const unanswered = Metric.counter("geodns_bus_unanswered_total", {
  description: "Questions on the bus that were not answered: there were too many, or their answers should go elsewhere",
  incremental: true
})

/** What a node gives to those who ask it on the bus. */
export interface Answers {
  /**
   * Whether an answer may go there: a question must not make us say anything on a subject that somebody listens to for
   * another reason. Where not, that is counted.
   */
  readonly mayGoTo: (reply: string) => Effect.Effect<boolean>
  /** Whether there is room for an answer now. Where not, that is counted. */
  readonly mayBeGiven: Effect.Effect<boolean>
  /** Waits until there is room for an answer. */
  readonly whenTheyMay: Effect.Effect<void>
  /** A question is left unanswered because too many wait. */
  readonly tooMany: Effect.Effect<void>
  /** So much was given, in bytes; or what it took to find it, as bytes. */
  readonly spend: (bytes: number) => void
}

/**
 * Bounds on what the questions on a subject make this node send, whoever asks: they are small, and their answers are not.
 * What is not answered is counted (`geodns_bus_unanswered_total`, by subject and reason). `isReply` says where answers may go.
 */
export const makeAnswers = (
  { name }: Pick<Subject<unknown>, "name">,
  rate: AnswerRate,
  isReply: (subject: string) => boolean = isInbox
): Effect.Effect<Answers> =>
  Effect.map(Clock.Clock, (clock) => {
    const budget = new AnswerBudget(rate)
    const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
    const count = (reason: string) => Metric.update(Metric.withAttributes(unanswered, { subject: name, reason }), 1)
    const elsewhere = Effect.as(count("reply"), false)
    const overBudget = Effect.as(count("budget"), false)
    const whenTheyMay: Effect.Effect<void> = Effect.suspend(() =>
      budget.allows(now()) ? Effect.void : Effect.andThen(Effect.sleep(budget.wait()), whenTheyMay)
    )
    return {
      mayGoTo: (reply) => isReply(reply) ? Effect.succeed(true) : elsewhere,
      mayBeGiven: Effect.suspend(() => budget.allows(now()) ? Effect.succeed(true) : overBudget),
      whenTheyMay,
      tooMany: Effect.asVoid(overBudget),
      spend: (bytes) => budget.spend(bytes)
    }
  })
