import * as Result from "effect/Result"
import type { FinalizeMessage, Proposal, Vote } from "../../domain/wire/Consensus.ts"
import { proposalTarget } from "../../domain/wire/Consensus.ts"
import type { Ballot, OpenProposal } from "../Ballot.ts"
import type { BallotCore } from "../BallotCore.ts"
import type { BallotEffect } from "../BallotEffect.ts"
import type { BallotEvent } from "../BallotEvent.ts"
import { dropped } from "../dropped.ts"
import { EarlyVotes } from "../EarlyVotes.ts"
import { ballotLimits } from "../Limits.ts"
import { admitDecision, admitProposal, admitVote, claimsMember, senderOf } from "./admit.ts"
import type { Rosters } from "./Rosters.ts"
import { sealDecision, sealProposal, sealVote } from "./seals.ts"
import type { Signer } from "./Signer.ts"
import { VerifiedSignatures } from "./VerifiedSignatures.ts"

const nobody: ReadonlySet<string> = new Set()

/**
 * The core of the mode `prefer`: a `Ballot` behind the gate of `admit.ts`. What this node proposes and votes is sealed with the
 * step 0, which is none, and so can never be part of a certificate. Without the gate it is that of the mode `open` on a node
 * that has a key: those in `prefer` take what it says. Pure, and bounded, as the ballot.
 */
export class PreferBallot implements BallotCore {
  readonly #ballot: Ballot
  readonly #isGated: boolean
  readonly #signer: Pick<Signer["Service"], "id" | "sign"> | undefined
  readonly #signatures = new VerifiedSignatures()
  /** Votes of members that came before their proposals, without which nobody can check them. */
  readonly #early: EarlyVotes
  #rosters: Rosters

  /** Without a `signer` nothing is sealed: those who hold this node's key drop what it says. */
  constructor(options: {
    readonly ballot: Ballot
    readonly isGated?: boolean
    readonly rosters: Rosters
    readonly signer?: Pick<Signer["Service"], "id" | "sign"> | undefined
  }) {
    this.#ballot = options.ballot
    this.#isGated = options.isGated ?? true
    this.#rosters = options.rosters
    this.#signer = options.signer
    this.#early = new EarlyVotes({ proposals: ballotLimits.earlyProposals, voters: ballotLimits.strangers })
  }

  handle(event: BallotEvent, now: number): ReadonlyArray<BallotEffect> {
    if (event._tag === "Rosters") {
      this.#rosters = event.rosters
      return []
    }
    return this.#isGated ? this.#admit(event, now) : this.#pass(event, now)
  }

  proposals(): ReadonlyArray<OpenProposal> {
    return this.#ballot.proposals()
  }

  size(): { readonly open: number; readonly early: number } {
    return { open: this.#ballot.size().open, early: this.#early.size }
  }

  #admit(event: BallotEvent, now: number): ReadonlyArray<BallotEffect> {
    switch (event._tag) {
      case "Proposal":
        return this.#onProposal(event.proposal, now)
      case "Vote":
        return claimsMember(event.vote, this.#rosters) ? this.#onVote(event.vote, now) : this.#pass(event, now)
      case "Decision":
        return this.#onDecision(event.message, now)
      case "Tick":
        this.#early.forget(now)
        return this.#pass(event, now)
      default:
        return this.#pass(event, now)
    }
  }

  #onProposal(received: Proposal, now: number): ReadonlyArray<BallotEffect> {
    const admitted = admitProposal(received, this.#rosters, this.#signatures)
    if (Result.isFailure(admitted)) return dropped("proposal", admitted.failure, received.SenderNodeID)
    const effects = this.#pass({ _tag: "Proposal", proposal: admitted.success }, now)
    const early = this.#early.take(received.ID)
    return early.length === 0 ? effects : [...effects, ...early.flatMap((vote) => this.#onVote(vote, now))]
  }

  #onVote(vote: Vote, now: number): ReadonlyArray<BallotEffect> {
    // What nobody can hold is dropped before anything is kept.
    if (vote.Seal === undefined) return dropped("vote", "unsigned", vote.NodeID)
    const proposal = this.#ballot.proposal(vote.ProposalID)
    if (proposal === undefined) {
      return this.#early.add(vote, now, nobody) ? [] : dropped("vote", "full", vote.NodeID)
    }
    const admitted = admitVote(vote, proposal, this.#rosters, this.#signatures, now)
    return Result.isSuccess(admitted)
      ? this.#pass({ _tag: "Vote", vote: admitted.success }, now)
      : dropped("vote", admitted.failure, vote.NodeID)
  }

  #onDecision(message: FinalizeMessage, now: number): ReadonlyArray<BallotEffect> {
    const admitted = admitDecision(message, this.#rosters, this.#signatures)
    return Result.isSuccess(admitted)
      ? this.#pass({ _tag: "Decision", message: admitted.success }, now)
      : dropped("decision", admitted.failure, senderOf(message))
  }

  #pass(event: BallotEvent, now: number): ReadonlyArray<BallotEffect> {
    const effects = this.#ballot.handle(event, now)
    const signer = this.#signer
    return signer === undefined ? effects : effects.map((effect) => this.#sealed(effect, signer))
  }

  #sealed(effect: BallotEffect, signer: Pick<Signer["Service"], "id" | "sign">): BallotEffect {
    const { current } = this.#rosters
    switch (effect._tag) {
      case "PublishProposal":
        return { ...effect, proposal: sealProposal(signer, current, effect.proposal, 0) }
      case "PublishVote": {
        const proposal = this.#ballot.proposal(effect.vote.ProposalID)
        if (proposal === undefined) return effect
        // As of when it was given: what it rests on is at most some seconds older.
        const seen = {
          target: proposalTarget(proposal),
          seq: 0,
          up: effect.vote.Agree === proposal.ProposedStatus,
          observedAt: effect.vote.Timestamp
        }
        return { ...effect, vote: { ...effect.vote, Seq: 0, Seal: sealVote(signer, current, seen) } }
      }
      case "PublishDecision":
        return { ...effect, message: sealDecision(signer, current, effect.message) }
      default:
        return effect
    }
  }
}
