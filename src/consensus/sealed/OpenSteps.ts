import type { Target } from "../../domain/Target.ts"
import { type Proposal, proposalTarget, type Vote } from "../../domain/wire/Consensus.ts"
import type { VoteSeal } from "../../domain/wire/Seal.ts"
import { Attempts } from "../Attempts.ts"
import { proposalWeight } from "../Limits.ts"
import { SenderWeights } from "../SenderWeights.ts"
import { stepKey } from "./Register.ts"
import { StepVotes } from "./StepVotes.ts"

/** The "step" of proposals of outsiders: they name none, and nothing is counted for them. */
export const outside = 0

/** A step (T, seq) that is proposed, by one or several. It lasts as long as one of its proposals is open. */
export interface OpenStep {
  /** The identity of (T, seq). */
  readonly key: string
  readonly target: Target
  readonly seq: number
  readonly proposals: Set<OpenProposalOf>
  readonly votes: StepVotes
  /** Since when we look at the target. */
  lookingSince: number | undefined
  /** What we saw last, sealed for this step. */
  seen: { readonly up: boolean; readonly at: number; readonly seal: VoteSeal } | undefined
  abstainedAt: number
}

/** One proposal of a step. */
export interface OpenProposalOf {
  readonly step: OpenStep
  readonly proposal: Proposal
  readonly own: boolean
  readonly firstSeen: number
  readonly attempts: Attempts
  publishedAt: number
  /** It asked, and we are looking. */
  isWaiting: boolean
  /** What we said to it last. */
  vote: Vote | undefined
  votedAt: number
}

/** What is proposed and not closed: by the id of the proposal, and by step. */
export class OpenSteps {
  readonly #proposals = new Map<string, OpenProposalOf>()
  readonly #steps = new Map<string, OpenStep>()
  readonly #weights = new SenderWeights()

  /** How many proposals and steps are open. */
  get size(): { readonly open: number; readonly steps: number } {
    return { open: this.#proposals.size, steps: this.#steps.size }
  }

  /** The proposals, in the order in which they came. */
  all(): Iterable<OpenProposalOf> {
    return this.#proposals.values()
  }

  find(id: string): OpenProposalOf | undefined {
    return this.#proposals.get(id)
  }

  step(target: Target, seq: number): OpenStep | undefined {
    return this.#steps.get(stepKey(target, seq))
  }

  stepOf(key: string): OpenStep | undefined {
    return this.#steps.get(key)
  }

  /** The weight of what is open of `sharer`. */
  weight(sharer: string): number {
    return this.#weights.of(sharer)
  }

  /** `votes` are those that came before; a step that is open has them already. */
  open(proposal: Proposal, seq: number, own: boolean, now: number, votes?: StepVotes): OpenProposalOf {
    const target = proposalTarget(proposal)
    const key = stepKey(target, seq)
    const step = this.#steps.get(key) ?? {
      key,
      target,
      seq,
      proposals: new Set(),
      votes: votes ?? new StepVotes(target, seq),
      lookingSince: undefined,
      seen: undefined,
      abstainedAt: -Infinity
    }
    this.#steps.set(key, step)
    const open: OpenProposalOf = {
      step,
      proposal,
      own,
      firstSeen: now,
      attempts: new Attempts(now),
      publishedAt: now,
      isWaiting: false,
      vote: undefined,
      votedAt: -Infinity
    }
    step.proposals.add(open)
    this.#proposals.set(proposal.ID, open)
    this.#weights.add(sharerOf(open), proposalWeight(proposal))
    return open
  }

  close(open: OpenProposalOf): void {
    const { proposal, step } = open
    this.#proposals.delete(proposal.ID)
    step.proposals.delete(open)
    if (step.proposals.size === 0) this.#steps.delete(step.key)
    this.#weights.add(sharerOf(open), -proposalWeight(proposal))
  }
}

/** Whose share of the room a proposal takes: outsiders have one together, `""`, as any number of them can be invented. */
const sharerOf = ({ proposal, step }: OpenProposalOf): string => step.seq === outside ? "" : proposal.SenderNodeID
