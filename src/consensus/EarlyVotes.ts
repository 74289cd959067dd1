import type { Vote } from "../domain/wire/Consensus.ts"
import { earlyVoteTime } from "./Timing.ts"

interface Waiting {
  readonly votes: Map<string, Vote>
  last: number
}

const none: ReadonlyArray<Vote> = []

/** Votes that came before their proposal, bounded; those that were touched last stay. */
export class EarlyVotes {
  private readonly waiting = new Map<string, Waiting>()
  private readonly proposals: number
  private readonly voters: number

  constructor(options: { readonly proposals: number; readonly voters: number }) {
    this.proposals = options.proposals
    this.voters = options.voters
  }

  get size(): number {
    return this.waiting.size
  }

  /** Keeps a vote; false when there is no room for another voter. One of the electorate puts out a stranger. */
  add(vote: Vote, now: number, electorate: ReadonlySet<string>): boolean {
    const id = vote.ProposalID
    const there = this.waiting.get(id) ?? { votes: new Map<string, Vote>(), last: now }
    if (!there.votes.has(vote.NodeID) && there.votes.size >= this.voters) {
      const stranger = electorate.has(vote.NodeID)
        ? [...there.votes.keys()].find((node) => !electorate.has(node))
        : undefined
      if (stranger === undefined) return false
      there.votes.delete(stranger)
    }
    const before = there.votes.get(vote.NodeID)
    if (before === undefined || before.Timestamp <= vote.Timestamp) there.votes.set(vote.NodeID, vote)
    there.last = now
    this.waiting.delete(id)
    this.waiting.set(id, there)
    if (this.waiting.size > this.proposals) this.waiting.delete(this.waiting.keys().next().value!)
    return true
  }

  /** The votes for a proposal, which are no longer kept here. */
  take(id: string): ReadonlyArray<Vote> {
    const there = this.waiting.get(id)
    if (there === undefined) return none
    this.waiting.delete(id)
    return [...there.votes.values()]
  }

  forget(now: number): void {
    for (const [id, { last }] of this.waiting) {
      if (last + earlyVoteTime > now) return
      this.waiting.delete(id)
    }
  }
}
