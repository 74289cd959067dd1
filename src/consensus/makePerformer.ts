import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { AnswerBudget } from "../bus/AnswerBudget.ts"
import type { Bus } from "../bus/Bus.ts"
import { describeTarget, type TargetKey, targetKey } from "../domain/Target.ts"
import type { Abstention } from "../domain/wire/Certificates.ts"
import { proposalTarget } from "../domain/wire/Consensus.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import type { ConsensusEvent } from "./Consensus.ts"
import { makeLook } from "./makeLook.ts"
import { makeOutbox } from "./makeOutbox.ts"
import { makeReports } from "./makeReports.ts"
import type { TargetFacts } from "./makeTargetFacts.ts"
import * as metrics from "./metrics.ts"
import { holdsKeyOf } from "./sealed/admit.ts"
import { exchangeCertificates } from "./sealed/exchangeCertificates.ts"
import { Sealing } from "./sealed/Sealing.ts"

/** Abstentions that are told: so many at once, and so many a second. */
const abstentionRate = { most: 2_048, perSecond: 100 }

/** Does what a core wants done. */
export interface Performer {
  /** In order; but all that is to be kept is kept first, in one write. What fails is logged, and keeps nothing else from being done. */
  readonly perform: (effects: ReadonlyArray<BallotEffect>) => Effect.Effect<void>
}

/**
 * `deliver` feeds the core with what came of it; it waits for its turn. `announce` tells those who watch.
 */
export const makePerformer = Effect.fnUntraced(function*(options: {
  readonly announce: (event: ConsensusEvent) => Effect.Effect<unknown>
  readonly deliver: (event: BallotEvent) => Effect.Effect<void>
  readonly facts: TargetFacts
}): Effect.fn.Return<
  Performer,
  never,
  Bus | Conditions | NodeIdentity | Observer | OfficialStatus | Scope.Scope
> {
  const { announce, deliver, facts } = options
  const { id: node } = yield* NodeIdentity
  const official = yield* OfficialStatus
  const sealing = yield* Sealing
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const send = yield* makeOutbox
  const look = yield* makeLook({
    freshFor: facts.freshFor,
    isOutsider: (from) =>
      sealing.electorate === "roster" && from !== node && !holdsKeyOf(sealing.rosters.current(), from)
  })
  const reports = yield* makeReports
  const exchange = sealing.mode === "require"
    ? yield* exchangeCertificates({
      certificates: sealing.certificates,
      deliver: (certificate, from) =>
        deliver({ _tag: "Certificate", certificate, ...from === undefined ? { unasked: true } : { from } })
    })
    : undefined

  /** Why nothing was seen of what is looked at now: until the core was told so. */
  const unseen = new Map<TargetKey, Abstention["Reason"]>()
  const abstentions = new AnswerBudget(abstentionRate)

  const observe = (effect: Extract<BallotEffect, { _tag: "Observe" }>) =>
    look(effect).pipe(
      Effect.flatMap((seen) => {
        const { id, target } = effect
        const key = targetKey(target)
        if (seen.up !== undefined) return deliver({ _tag: "Observed", id, up: seen.up, observedAt: seen.observedAt })
        unseen.set(key, seen.reason)
        return Effect.ensuring(
          deliver({ _tag: "Observed", id, up: undefined }),
          Effect.sync(() => unseen.delete(key))
        )
      }),
      Effect.forkIn(scope)
    )

  const abstained = ({ proposal, reason }: Extract<BallotEffect, { _tag: "Abstained" }>) =>
    Effect.suspend(() => {
      const count = Metric.update(metrics.abstentions, 1)
      // What nobody has need not be told, and whoever invents targets must not make us talk.
      const target = proposalTarget(proposal)
      const isTold = facts.knows(target)
        && abstentions.allows(Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))
      if (!isTold) return count
      abstentions.spend(1)
      const Reason = unseen.get(targetKey(target)) ?? reason ?? "not-observed"
      return Effect.andThen(count, send(Subject.Abstain, { ProposalID: proposal.ID, NodeID: node, Reason }))
    })

  const decided = Effect.fnUntraced(function*(effect: Extract<BallotEffect, { _tag: "Apply" }>) {
    const { again, decision, openFor } = effect
    if (!facts.knows(decision.target)) return yield* Metric.update(unknownTarget, 1)
    const change = yield* official.apply(decision)
    yield* reports.moved(decision.target)
    if (again || (change === undefined && decision.proof !== undefined)) return
    // It may have been refused: too old, or too far from our clock.
    if ((yield* official.get(decision.target))?.up !== decision.up) return
    yield* Metric.update(passed, 1)
    if (openFor !== undefined) yield* Metric.update(metrics.latency, openFor / 1_000)
    yield* announce({ _tag: "Decided", decision })
    if (change?.before !== undefined) {
      yield* Effect.logInfo(`${describeTarget(decision.target)} is ${decision.up ? "up" : "down"}`).pipe(
        Effect.annotateLogs({
          decision: decision.id,
          ...decision.decidedBy !== "" && { by: decision.decidedBy },
          error: decision.error
        })
      )
    }
  })

  const performOne = (effect: BallotEffect): Effect.Effect<unknown> => {
    switch (effect._tag) {
      case "PublishProposal":
        return send(Subject.Propose, effect.proposal)
      case "PublishVote":
        return send(Subject.Cast, effect.vote)
      case "PublishDecision":
        return send(Subject.Finalize, effect.message)
      case "PublishCertificate":
        return send(Subject.Certificates, {
          Type: "tell",
          NodeID: node,
          From: 0,
          Certificates: [effect.certificate]
        })
      case "Observe":
        return observe(effect)
      case "Persist":
        // Before all else.
        return Effect.void
      case "Apply":
        return decided(effect)
      case "Fetch":
        return exchange?.fetch(effect) ?? Effect.void
      case "Foreign":
        return reports.foreign(effect)
      case "Proposed":
        return Effect.andThen(Metric.update(effect.own ? ownProposal : otherProposal, 1), announce(effect))
      case "Voted":
        return Effect.andThen(Metric.update(effect.vote.Agree ? yes : no, 1), announce(effect))
      case "Abstained":
        return abstained(effect)
      case "Rejected":
        return Effect.andThen(
          Metric.update(Metric.withAttributes(metrics.decisions, { result: effect.reason }), 1),
          effect.reason === "superseded"
            ? Effect.void
            : announce({ _tag: "Rejected", proposal: effect.proposal, votes: effect.votes })
        )
      case "Dropped":
        return reports.dropped(effect)
    }
  }

  const keep = (effects: ReadonlyArray<BallotEffect>) => {
    const proved = effects.flatMap((effect) => effect._tag === "Persist" ? [effect.certificate] : [])
    return sealing.mode === "require" && proved.length > 0 ? sealing.certificates.add(...proved) : Effect.void
  }

  return {
    perform: (effects) => {
      let next = 0
      // What fails is caught around the loop and not around each, and the loop goes on behind it.
      const rest: Effect.Effect<void> = Effect.catchCause(
        Effect.whileLoop({
          while: () => next < effects.length,
          body: () => performOne(effects[next++]!),
          step: () => {}
        }),
        (cause) => Effect.andThen(Effect.logError(`consensus: ${effects[next - 1]?._tag} failed`, cause), rest)
      )
      return effects.length === 0 ? Effect.void : Effect.andThen(keep(effects), rest)
    }
  }
})

const unknownTarget = Metric.withAttributes(metrics.dropped, { what: "decision", reason: "unknown-target" })
const passed = Metric.withAttributes(metrics.decisions, { result: "passed" })
const ownProposal = Metric.withAttributes(metrics.proposals, { origin: "own" })
const otherProposal = Metric.withAttributes(metrics.proposals, { origin: "other" })
const yes = Metric.withAttributes(metrics.votes, { agree: "yes" })
const no = Metric.withAttributes(metrics.votes, { agree: "no" })
