import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../../src/consensus/BallotEvent.ts"
import type { BallotLimits } from "../../../src/consensus/Limits.ts"
import type { RegisterLimits } from "../../../src/consensus/sealed/Registers.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { SealedBallot } from "../../../src/consensus/sealed/SealedBallot.ts"
import { sealProposal, sealVote } from "../../../src/consensus/sealed/seals.ts"
import { cheapSigner, type Signer } from "../../../src/consensus/sealed/Signer.ts"
import type { Target } from "../../../src/domain/Target.ts"
import { type FinalizeMessage, makeProposal, type Proposal, type Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { passed } from "../fixtures.ts"
import { rostersOf, start, target } from "./fixtures.ts"

export interface ProposalOptions {
  readonly id?: string
  readonly target?: Target
  readonly seq?: number
  readonly up?: boolean
  readonly at?: number
  readonly epoch?: number
  readonly cluster?: string
  readonly error?: string
  readonly data?: unknown
  readonly signer?: Signer["Service"]
}

export interface SaidOptions extends ProposalOptions {
  readonly sees?: boolean
}

/** A proposal as a v2 node sends it. */
export const plain = (sender: string, options: ProposalOptions = {}): Proposal =>
  makeProposal({
    id: options.id ?? `p-${sender}`,
    sender,
    target: options.target ?? target,
    up: options.up ?? (options.seq ?? 1) % 2 === 0,
    error: options.error ?? "",
    data: options.data ?? null,
    at: options.at ?? start
  })

/** A sealed proposal of a member: for the step to down, unless it says otherwise. */
export const proposalOf = (sender: string, options: ProposalOptions = {}): Proposal =>
  sealProposal(
    options.signer ?? cheapSigner(sender),
    { cluster: options.cluster ?? "test", epoch: options.epoch ?? 1 },
    plain(sender, options),
    options.seq ?? 1
  )

/** A sealed vote of a member that sees what the step says, unless it says otherwise. */
export const voteOf = (voter: string, options: SaidOptions = {}): Vote => {
  const seq = options.seq ?? 1
  const up = seq % 2 === 0
  const seen = options.sees ?? up
  const at = options.at ?? start
  return {
    ProposalID: options.id ?? "p-m2",
    SenderNodeID: voter,
    NodeID: voter,
    Agree: seen === up,
    Timestamp: at,
    Seq: seq,
    Target: options.target ?? target,
    Seal: sealVote(
      options.signer ?? cheapSigner(voter),
      { cluster: options.cluster ?? "test", epoch: options.epoch ?? 1 },
      { target: options.target ?? target, seq, up: seen, observedAt: at }
    )
  }
}

/** Without what it is for: it counts by its proposal. */
export const untargeted = ({ Target: _, ...vote }: Vote): Vote => vote

/** A sealed ballot with a clock: of `m1`, one of five monitors of which three have IPv6. */
export class SealedTable {
  readonly ballot: SealedBallot
  readonly node: string
  now = start

  constructor(
    options: {
      readonly node?: string
      readonly isVoter?: boolean
      readonly signer?: Signer["Service"] | undefined
      readonly rosters?: Rosters
      readonly knows?: (target: Target) => boolean
      readonly minimumTime?: number
      readonly limits?: Partial<BallotLimits & RegisterLimits>
    } = {}
  ) {
    this.node = options.node ?? "m1"
    this.ballot = new SealedBallot({
      node: this.node,
      isVoter: options.isVoter ?? true,
      signer: "signer" in options ? options.signer : cheapSigner(this.node),
      rosters: options.rosters ?? rostersOf(),
      minimumTime: () => options.minimumTime ?? 0,
      ...options.knows !== undefined && { knows: options.knows },
      ...options.limits !== undefined && { limits: options.limits }
    })
  }

  handle(event: BallotEvent): ReadonlyArray<BallotEffect> {
    return this.ballot.handle(event, this.now)
  }

  propose(up = false, id = "own", of: Target = target): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Propose", id, target: of, up, error: "timeout", data: null })
  }

  receive(proposal: Proposal): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Proposal", proposal })
  }

  vote(vote: Vote): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Vote", vote })
  }

  decide(message: FinalizeMessage): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Decision", message })
  }

  certificate(certificate: Certificate): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Certificate", certificate })
  }

  /** One that a node gave when it was asked, and what was told beside it. */
  given(from: string, certificate: Certificate, message?: FinalizeMessage): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Certificate", certificate, from, ...message && { message } })
  }

  told(certificate: Certificate): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Certificate", certificate, unasked: true })
  }

  /** Answers the looks that these effects ask for, with an observation of now. */
  see(up: boolean | undefined, effects: ReadonlyArray<BallotEffect>, at = this.now): ReadonlyArray<BallotEffect> {
    return effects.flatMap((effect) =>
      effect._tag === "Observe" ? this.handle({ _tag: "Observed", id: effect.id, up, observedAt: at }) : []
    )
  }

  /** Lets seconds pass, one tick each. */
  pass(seconds: number): ReadonlyArray<BallotEffect> {
    return passed(this, seconds)
  }

  /** Takes the step by a certificate that was observed now. */
  stands(certificate: Certificate): this {
    this.certificate(certificate)
    return this
  }
}

/** Why things were dropped. */
export const reasons = (effects: ReadonlyArray<BallotEffect>): ReadonlyArray<string> =>
  effects.flatMap((effect) => effect._tag === "Dropped" ? [effect.reason] : [])
