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
 * seen last speaks against the proposal, as it may be from just before. Probes that others make us do are bounded.
 * `freshFor` in milliseconds.
 */
export const makeLook = (freshFor: (target: Target) => number): Effect.Effect<
  (effect: Extract<BallotEffect, { _tag: "Observe" }>) => Effect.Effect<Look>,
  never,
  Observer
> =>
  Effect.gen(function*() {
    const observer = yield* Observer
    const clock = yield* Clock.Clock
    const budget = new ProbeBudget()
    const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

    const observe = (target: Target, from: string, age: number): Effect.Effect<Option.Option<Observation> | "busy"> =>
      Effect.suspend((): Effect.Effect<Option.Option<Observation> | "busy"> => {
        if (!budget.take(from, target.member, now())) return Effect.succeed("busy")
        const began = clock.currentTimeMillisUnsafe()
        return Effect.map(observer.observe(target, age), (seen) => {
          const isProbe = Option.isSome(seen) && seen.value.at >= began
          if (!isProbe) budget.giveBack(from, target.member, now())
          return seen
        })
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
