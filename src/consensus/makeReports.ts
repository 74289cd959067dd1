import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { describeTarget, type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import type { BallotEffect, DropReason } from "./BallotEffect.ts"
import * as metrics from "./metrics.ts"

interface Told {
  readonly level: "Info" | "Warn"
  /** Of what is not taken, in words. */
  readonly why: string
}

const unsealed: Told = { level: "Warn", why: "as it is not proved to be from a member of the roster" }

/** As while a new roster is handed out: nodes look at its file every few seconds. */
const otherRoster: Told = {
  level: "Info",
  why:
    "as it goes by the roster of another epoch: its sender or this node has not taken the newest one yet (geodns nodes shows the epochs)"
}

const retired: Told = {
  level: "Warn",
  why:
    "as it is of an epoch that is retired: its sender has not taken the newest roster, or somebody uses a key of then"
}

/** What a sender is logged for once of each kind: somebody speaks in its name, it lost its key, or the rosters differ. */
const told: ReadonlyMap<DropReason, Told> = new Map([
  ["unsigned", unsealed],
  ["other-cluster", unsealed],
  ["not-a-member", unsealed],
  ["bad-signature", unsealed],
  ["unproven", unsealed],
  ["unknown-epoch", otherRoster],
  ["other-epoch", otherRoster],
  ["UnknownEpoch", otherRoster],
  ["retired-epoch", retired],
  ["RetiredEpoch", retired]
])

/** Senders that are logged for one of these; of more, messages are only counted. */
const maxLogged = 256

/** Targets on which foreign decisions are remembered. */
const maxForeign = 4_096

/** What people are told of messages that are not taken, and of decisions that do not move this node. */
export interface Reports {
  readonly dropped: (effect: Extract<BallotEffect, { _tag: "Dropped" }>) => Effect.Effect<void>
  readonly foreign: (
    effect: Pick<Extract<BallotEffect, { _tag: "Foreign" }>, "target" | "differs">
  ) => Effect.Effect<void>
  /** The official status of a target is another one now: what differed may not any more. */
  readonly moved: (target: Target) => Effect.Effect<void>
}

/** Counts, and logs or raises conditions so that a flood of messages is no flood of words. */
export const makeReports: Effect.Effect<Reports, never, Conditions> = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const conditions = yield* Conditions
  const logged = new Map([unsealed, otherRoster, retired].map((kind) => [kind, new Set<string>()]))
  const foreign = new Map<TargetKey, Target>()
  let nextClockWarning = 0

  const dropped: Reports["dropped"] = Effect.fnUntraced(function*({ reason, sender, skew, what }) {
    yield* Metric.update(Metric.withAttributes(metrics.dropped, { what, reason }), 1)
    const kind = told.get(reason)
    const senders = kind && logged.get(kind)
    if (kind !== undefined && senders !== undefined && !senders.has(sender) && senders.size < maxLogged) {
      senders.add(sender)
      yield* Effect.logWithLevel(kind.level)(
        `a ${what} is not taken, ${kind.why}; more of this sender are only counted`
      ).pipe(Effect.annotateLogs({ sender, reason }))
    }
    const now = clock.currentTimeMillisUnsafe()
    if (reason !== "clock" || now < nextClockWarning) return
    nextClockWarning = now + 60_000
    yield* Effect.logWarning(
      what === "decision"
        ? "a decision is more than 5 minutes from our clock, one of the two clocks is wrong"
        : "a vote is too far from our clock and does not count, one of the two clocks is wrong"
    ).pipe(Effect.annotateLogs({ sender, ...skew !== undefined && { aheadMillis: skew } }))
  })

  const tellForeign = Effect.suspend(() => {
    const [first] = foreign.values()
    return first === undefined ? conditions.clear("consensus:foreign") : conditions.raise(
      "consensus:foreign",
      `nodes that are not in the roster decided otherwise on ${foreign.size} ${
        foreign.size === 1 ? "target" : "targets"
      }, as ${describeTarget(first)}. Their decisions do not move this node: see why they do not agree, or who they are`
    )
  })

  return {
    dropped,
    foreign: ({ differs, target }) =>
      Effect.suspend(() => {
        const key = targetKey(target)
        const isNews = differs ? !foreign.has(key) && foreign.size < maxForeign : foreign.has(key)
        if (!isNews) return Effect.void
        if (differs) foreign.set(key, target)
        else foreign.delete(key)
        return tellForeign
      }),
    moved: (target) => Effect.suspend(() => foreign.delete(targetKey(target)) ? tellForeign : Effect.void)
  }
})
