import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describeTarget, type Target } from "../domain/Target.ts"
import type { Abstention } from "../domain/wire/Certificates.ts"
import type { Observation } from "../status/Observation.ts"
import { Observer } from "../status/Observer.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import { ProbeBudget } from "./ProbeBudget.ts"
import { attemptTime } from "./Timing.ts"

/** What came of looking at a target: what is seen, and since when; or why there is nothing to vote from. */
export type Look =
  | { readonly up: boolean; readonly observedAt: number }
  | { readonly up: undefined; readonly reason: Abstention["Reason"] }

/** Less than an attempt, so that the next one can ask again. */
const lookTime = attemptTime - 5_000

/**
 * Looks at what a proposal is about, for a vote: the last observation if it is fresh, else a probe; and once more if what was
 * seen last speaks against the proposal, as it may be from just before. Probes that others make us do are bounded, and what was
 * seen already, or is being looked at, costs none. `freshFor` in milliseconds; `isOutsider`: whose proposals are not counted.
 */
export const makeLook = (options: {
  readonly freshFor: (target: Target) => number
  readonly isOutsider: (proposer: string) => boolean
}): Effect.Effect<
  (effect: Extract<BallotEffect, { _tag: "Observe" }>) => Effect.Effect<Look>,
  never,
  Observer
> =>
  Effect.gen(function*() {
    const { freshFor, isOutsider } = options
    const observer = yield* Observer
    const clock = yield* Clock.Clock
    const budget = new ProbeBudget()
    const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

    const observe = (target: Target, from: string, age: number): Effect.Effect<Option.Option<Observation> | "busy"> =>
      Effect.suspend(() => {
        let isBusy = false
        const mayProbe = () => {
          isBusy = !budget.take(isOutsider(from) ? undefined : from, target.member, now())
          return !isBusy
        }
        return Effect.map(observer.observe(target, age, mayProbe), (seen) => isBusy ? "busy" : seen)
      })

    return ({ from = "", since = Number.NEGATIVE_INFINITY, target, up: proposed }) =>
      observe(target, from, freshFor(target)).pipe(
        Effect.flatMap((seen) =>
          seen !== "busy" && Option.isSome(seen) && (seen.value.up !== proposed || seen.value.at < since)
            ? observe(target, from, 0)
            : Effect.succeed(seen)
        ),
        Effect.timeoutOption(lookTime),
        Effect.map((seen): Look => {
          if (Option.isNone(seen) || seen.value !== "busy" && Option.isNone(seen.value)) {
            return { up: undefined, reason: "not-observed" }
          }
          if (seen.value === "busy") return { up: undefined, reason: "busy" }
          const { at, up } = seen.value.value
          return { up, observedAt: at }
        }),
        Effect.catchCause((cause) =>
          Effect.as(
            Effect.logError(`looking at ${describeTarget(target)} failed`, cause),
            { up: undefined, reason: "not-observed" } as const
          )
        )
      )
  })
