import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import {
  type FinalizeMessage,
  makeProposal,
  type Proposal,
  proposalTarget,
  type Vote
} from "../domain/wire/Consensus.ts"
import { noTime } from "../domain/wire/WireTime.ts"
import type { Decision } from "../status/Decision.ts"
import { clockTolerance } from "../status/OfficialTable.ts"
import { Attempts } from "./Attempts.ts"
import type { BallotCore } from "./BallotCore.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import { dropped } from "./dropped.ts"
import { EarlyVotes } from "./EarlyVotes.ts"
import { isSameProposal } from "./isSameProposal.ts"
import {
  type BallotLimits,
  ballotLimits,
  fitProposal,
  fitVotes,
  isName,
  proposalWeight,
  votesWeight,
  voteWeight
} from "./Limits.ts"
import { possibleTime } from "./possibleTime.ts"
import { SenderWeights } from "./SenderWeights.ts"
import { decidedTime, proposalTime, republishTime, revoteTime } from "./Timing.ts"

/** A proposal that is not decided yet. */
export interface OpenProposal {
  readonly proposal: Proposal
  /** Node id → agreed. */
  readonly votes: Readonly<Record<string, boolean>>
  /** Milliseconds since the epoch, by our clock. */
  readonly firstSeen: number
}

interface HeldVote {
  readonly agree: boolean
  /** As the voter says, for the order of its own votes. */
  readonly at: number
}

interface Open {
  readonly proposal: Proposal
  readonly target: Target
  readonly own: boolean
  readonly firstSeen: number
  readonly ofTarget: OfTarget
  readonly votes: Map<string, HeldVote>
  readonly attempts: Attempts
  ownVote: Vote | undefined
  isObserving: boolean
  publishedAt: number
  votedAt: number
  voteWeight: number
}

/** A proposal that is closed and not yet forgotten. */
interface Closed {
  readonly proposal: Proposal
  readonly firstSeen: number
  readonly votes: Decision["votes"]
  readonly ownVote: Vote | undefined
  /** When it passed: the newest time that somebody closed it at. */
  readonly decidedAt: number | undefined
  answeredAt: number
}

/** What belongs to one target. */
interface OfTarget {
  readonly open: Set<Open>
  /** The time of the newest decision that we know. */
  decidedAt: number
  /** That decision, while its proposal is not forgotten. */
  decision: FinalizeMessage | undefined
  /** When we learnt of it, by our clock. */
  learntAt: number
  /** When the decision that we published is sent once more. */
  repeatAt: number
}

const nothing: ReadonlyArray<BallotEffect> = []

/**
 * The pure core of consensus: events go in, effects come out. Deterministic; owns its state, all of it bounded.
 *
 * The rule is that of v2 (`docs/consensus.md`): the electorate are the monitors active now; a proposal passes with a
 * majority of them, and never with fewer than the minimum of votes on that side.
 */
export class Ballot implements BallotCore {
  private readonly node: string
  private readonly isVoter: boolean
  private readonly limits: BallotLimits

  private electorate: ReadonlySet<string> = new Set()
  private ipv6Electorate: ReadonlySet<string> = new Set()
  private minimumVotes = 2

  private readonly open = new Map<string, Open>()
  private readonly closed = new Map<string, Closed>()
  private readonly targets = new Map<TargetKey, OfTarget>()
  /** Proposal id → when we learnt that it was decided. */
  private readonly decided = new Map<string, number>()
  private readonly early: EarlyVotes
  private readonly senderWeights = new SenderWeights()
  private weight = 0

  /** `isVoter`: this node proposes, votes and publishes; an observer only follows. */
  constructor(options: { readonly node: string; readonly isVoter: boolean; readonly limits?: Partial<BallotLimits> }) {
    this.node = options.node
    this.isVoter = options.isVoter
    this.limits = { ...ballotLimits, ...options.limits }
    this.early = new EarlyVotes({ proposals: this.limits.earlyProposals, voters: this.limits.strangers })
  }

  /** Takes an event at `now`, milliseconds since the epoch. */
  handle(event: BallotEvent, now: number): ReadonlyArray<BallotEffect> {
    switch (event._tag) {
      case "Vote":
        return this.onVote(event.vote, now)
      case "Observed":
        return this.onObserved(event.id, event.up, now)
      case "Decision":
        return this.onDecision(event.message, now)
      case "Proposal":
        return this.onProposal(event.proposal, now)
      case "Propose":
        return this.onPropose(event, now)
      case "Electorate":
        return this.onElectorate(event.members, event.ipv6 ?? event.members, event.minimumVotes, now)
      case "Targets":
        return this.onTargets(event.knows, now)
      case "Tick":
        return this.onTick(now)
      default:
        return nothing
    }
  }

  /** The proposals that are open, in the order in which they came. */
  proposals(): ReadonlyArray<OpenProposal> {
    return [...this.open.values()].map((open) => ({
      proposal: open.proposal,
      votes: this.counted(open.votes),
      firstSeen: open.firstSeen
    }))
  }

  /** A proposal that is open, or closed and not yet forgotten. */
  proposal(id: string): Proposal | undefined {
    return (this.open.get(id) ?? this.closed.get(id))?.proposal
  }

  /** How much is kept, for tests and metrics. */
  size(): {
    readonly open: number
    readonly closed: number
    readonly early: number
    readonly decided: number
    readonly targets: number
    readonly weight: number
  } {
    return {
      open: this.open.size,
      closed: this.closed.size,
      early: this.early.size,
      decided: this.decided.size,
      targets: this.targets.size,
      weight: this.weight
    }
  }

  private onPropose(event: Extract<BallotEvent, { _tag: "Propose" }>, now: number): ReadonlyArray<BallotEffect> {
    if (!this.isVoter) return nothing
    const same = this.identical(event.target, event.up)
    if (same !== undefined) {
      const effects: Array<BallotEffect> = []
      if (same.own && now - same.publishedAt >= republishTime) this.republish(same, now, effects)
      this.voteAgain(same, now, effects)
      return effects
    }
    const proposal = fitProposal(makeProposal({ ...event, sender: this.node, at: now }))
    if (proposal === undefined) return dropped("proposal", "too-long", this.node)
    if (this.isKnown(proposal.ID)) return dropped("proposal", "replay", this.node)
    const effects: Array<BallotEffect> = [
      { _tag: "Proposed", proposal, own: true },
      { _tag: "PublishProposal", proposal }
    ]
    this.makeRoom(proposalWeight(proposal))
    this.enter(proposal, true, now, effects)
    return effects
  }

  private onProposal(received: Proposal, now: number): ReadonlyArray<BallotEffect> {
    const sender = received.SenderNodeID
    const open = this.open.get(received.ID)
    const closed = open === undefined ? this.closed.get(received.ID) : undefined
    const known = open ?? closed
    if (known !== undefined) {
      if (!isSameProposal(known.proposal, received)) return dropped("proposal", "mismatch", sender)
      const effects: Array<BallotEffect> = []
      if (open !== undefined) this.voteAgain(open, now, effects)
      else this.answer(closed!, "proposal", now, effects)
      return effects
    }
    if (this.decided.has(received.ID)) return dropped("proposal", "replay", sender)
    const proposal = fitProposal(received)
    if (proposal === undefined) return dropped("proposal", "too-long", sender)
    const weight = proposalWeight(proposal)
    if (this.senderWeights.of(sender) + weight > this.limits.senderWeight || !this.makeRoom(weight)) {
      return dropped("proposal", "full", sender)
    }
    const effects: Array<BallotEffect> = [{ _tag: "Proposed", proposal, own: false }]
    this.enter(proposal, false, now, effects)
    return effects
  }

  private onVote(vote: Vote, now: number): ReadonlyArray<BallotEffect> {
    const node = vote.NodeID
    if (vote.SenderNodeID !== "" && vote.SenderNodeID !== node) return dropped("vote", "mismatch", vote.SenderNodeID)
    if (node === this.node) return dropped("vote", "own-id", node)
    if (!isName(node) || !isName(vote.ProposalID)) return dropped("vote", "too-long", "")
    const open = this.open.get(vote.ProposalID)
    if (open === undefined) {
      const closed = this.closed.get(vote.ProposalID)
      if (closed !== undefined) {
        const effects: Array<BallotEffect> = []
        this.answer(closed, "vote", now, effects)
        return effects
      }
      if (this.decided.has(vote.ProposalID)) return nothing
      return this.early.add(vote, now, this.electorate)
        ? [{ _tag: "Voted", proposal: undefined, vote, own: false }]
        : dropped("vote", "full", node)
    }
    const before = open.votes.get(node)
    if (before !== undefined) {
      // The latest counts; the network may have turned two of them round, or doubled one.
      if (vote.Timestamp < before.at || (vote.Timestamp === before.at && vote.Agree === before.agree)) return nothing
    } else if (!this.hasRoomForVote(open, node)) {
      return dropped("vote", "full", node)
    }
    this.hold(open, node, { agree: vote.Agree, at: vote.Timestamp })
    const effects: Array<BallotEffect> = [{ _tag: "Voted", proposal: open.proposal, vote, own: false }]
    this.tally(open, now, effects)
    return effects
  }

  private onObserved(id: string, up: boolean | undefined, now: number): ReadonlyArray<BallotEffect> {
    const open = this.open.get(id)
    if (open === undefined || !open.isObserving) return nothing
    open.isObserving = false
    if (up === undefined) return [{ _tag: "Abstained", proposal: open.proposal }]
    const vote: Vote = {
      ProposalID: id,
      SenderNodeID: this.node,
      NodeID: this.node,
      Agree: up === open.proposal.ProposedStatus,
      Timestamp: now
    }
    open.ownVote = vote
    open.votedAt = now
    this.hold(open, this.node, { agree: vote.Agree, at: now })
    const effects: Array<BallotEffect> = [
      { _tag: "PublishVote", vote },
      { _tag: "Voted", proposal: open.proposal, vote, own: true }
    ]
    this.tally(open, now, effects)
    return effects
  }

  private onDecision(message: FinalizeMessage, now: number): ReadonlyArray<BallotEffect> {
    // What did not pass elsewhere may still pass here: our own votes and timer decide that.
    if (!message.Passed) return nothing
    const sender = message.SenderNodeID === "" ? message.Proposal.SenderNodeID : message.SenderNodeID
    const decidedAt = message.DecidedAt === noTime ? now : message.DecidedAt
    if (!(Math.abs(decidedAt - now) <= clockTolerance)) return dropped("decision", "clock", sender)
    const id = message.Proposal.ID
    const open = this.open.get(id)
    const closed = this.closed.get(id)
    const known = open ?? closed
    if (known !== undefined) {
      if (!isSameProposal(known.proposal, message.Proposal)) return dropped("decision", "mismatch", sender)
      if (closed?.decidedAt !== undefined && decidedAt <= closed.decidedAt) return nothing
    } else if (this.decided.has(id)) {
      return dropped("decision", "replay", sender)
    }
    const proposal = known?.proposal ?? fitProposal(message.Proposal)
    if (proposal === undefined || !isName(sender)) return dropped("decision", "too-long", sender)
    if (known === undefined && !this.makeRoom(proposalWeight(proposal))) return dropped("decision", "full", sender)
    // The votes of what was decided before stay those of the first decision.
    const told = closed?.decidedAt === undefined ? this.believed(message.Votes ?? {}) : {}
    const heard = open === undefined
      ? closed?.votes ?? this.countedEarly(this.early.take(id), told)
      : this.counted(open.votes, told)
    const hasRoom = this.makeRoom(votesWeight(told) + (known === undefined ? proposalWeight(proposal) : 0), id)
    const votes = hasRoom ? { ...told, ...heard } : heard
    const effects: Array<BallotEffect> = []
    this.pass({ proposal, votes, decidedAt, decidedBy: sender }, now, effects)
    return effects
  }

  private onElectorate(
    members: ReadonlySet<string>,
    ipv6: ReadonlySet<string>,
    minimumVotes: number,
    now: number
  ): ReadonlyArray<BallotEffect> {
    this.electorate = members
    this.ipv6Electorate = ipv6
    this.minimumVotes = minimumVotes
    const effects: Array<BallotEffect> = []
    for (const open of this.open.values()) this.tally(open, now, effects)
    return effects
  }

  private onTargets(knows: (target: Target) => boolean, now: number): ReadonlyArray<BallotEffect> {
    const effects: Array<BallotEffect> = []
    for (const open of this.open.values()) if (!knows(open.target)) this.reject(open, "removed", now, effects)
    return effects
  }

  private onTick(now: number): ReadonlyArray<BallotEffect> {
    const effects: Array<BallotEffect> = []
    for (const open of this.open.values()) {
      if (open.attempts.isOver(now)) {
        if (this.electorate.size === 0 || !open.attempts.next(now)) {
          this.reject(open, "expired", now, effects)
          continue
        }
        this.voteAgain(open, now, effects)
      }
      if (open.own && now - open.publishedAt >= republishTime) this.republish(open, now, effects)
    }
    // In the order in which they were closed, so one that was open long may stay a little longer.
    for (const [id, closed] of this.closed) {
      if (closed.firstSeen + proposalTime > now) break
      this.forget(id, closed)
    }
    for (const [id, at] of this.decided) {
      if (at + decidedTime > now) break
      this.decided.delete(id)
    }
    for (const [key, ofTarget] of this.targets) {
      // Those who only follow ask nobody: what got lost on the way to them is sent once more.
      if (now >= ofTarget.repeatAt) {
        ofTarget.repeatAt = Infinity
        if (ofTarget.decision !== undefined) effects.push({ _tag: "PublishDecision", message: ofTarget.decision })
      }
      // A decision older than that is not believed anyway.
      if (ofTarget.open.size === 0 && ofTarget.decidedAt < now - clockTolerance) this.targets.delete(key)
    }
    this.early.forget(now)
    return effects
  }

  /** Whether an id is closed, or was decided. */
  private isKnown(id: string): boolean {
    return this.open.has(id) || this.closed.has(id) || this.decided.has(id)
  }

  /** An open proposal of that status. One that we voted against, as it was not so then, is none: our votes do not change. */
  private identical(target: Target, up: boolean): Open | undefined {
    for (const open of this.targets.get(targetKey(target))?.open ?? []) {
      if (open.proposal.ProposedStatus === up && open.ownVote?.Agree !== false) return open
    }
    return undefined
  }

  /** Opens a proposal, with the votes that came before it. */
  private enter(proposal: Proposal, own: boolean, now: number, effects: Array<BallotEffect>): void {
    const target = proposalTarget(proposal)
    const open: Open = {
      proposal,
      target,
      own,
      firstSeen: now,
      ofTarget: this.ofTarget(targetKey(target), true),
      votes: new Map(),
      attempts: new Attempts(now),
      ownVote: undefined,
      isObserving: false,
      publishedAt: now,
      votedAt: -Infinity,
      voteWeight: 0
    }
    this.open.set(proposal.ID, open)
    open.ofTarget.open.add(open)
    const weight = proposalWeight(proposal)
    this.weight += weight
    this.senderWeights.add(proposal.SenderNodeID, weight)
    for (const vote of this.early.take(proposal.ID)) {
      this.hold(open, vote.NodeID, { agree: vote.Agree, at: vote.Timestamp })
    }
    this.tally(open, now, effects)
    if (this.open.has(proposal.ID)) this.voteAgain(open, now, effects)
  }

  /** Looks at the target if we have not voted; else sends our vote again, which never changes. */
  private voteAgain(open: Open, now: number, effects: Array<BallotEffect>): void {
    if (!this.isVoter) return
    if (open.ownVote === undefined) {
      if (open.isObserving) return
      open.isObserving = true
      const { ID: id, ProposedStatus: up, SenderNodeID: from } = open.proposal
      effects.push({ _tag: "Observe", id, target: open.target, up, from })
    } else if (now - open.votedAt >= revoteTime) {
      open.votedAt = now
      effects.push({ _tag: "PublishVote", vote: open.ownVote })
    }
  }

  /** Sends our proposal again, and our vote with it: whoever missed the one may have missed the other. */
  private republish(open: Open, now: number, effects: Array<BallotEffect>): void {
    open.publishedAt = now
    effects.push({ _tag: "PublishProposal", proposal: open.proposal })
    if (open.ownVote === undefined || open.votedAt === now) return
    open.votedAt = now
    effects.push({ _tag: "PublishVote", vote: open.ownVote })
  }

  /**
   * Somebody still holds for open what is closed here: it missed what we know. It is told the newest decision on the
   * target; and our vote, if it asked for votes and that decision is from before the proposal, and so not what closed it.
   */
  private answer(closed: Closed, asked: "proposal" | "vote", now: number, effects: Array<BallotEffect>): void {
    if (!this.isVoter || now - closed.answeredAt < republishTime) return
    closed.answeredAt = now
    const ofTarget = this.targets.get(targetKey(proposalTarget(closed.proposal)))
    const decision = ofTarget?.decision
    if (decision !== undefined) effects.push({ _tag: "PublishDecision", message: decision })
    const isAfter = ofTarget === undefined || decision === undefined || ofTarget.learntAt < closed.firstSeen
    if (isAfter && asked === "proposal" && closed.ownVote !== undefined) {
      effects.push({ _tag: "PublishVote", vote: closed.ownVote })
    }
  }

  /**
   * Closes the proposal if there is a majority. Who only follows is told what was decided: what it counted itself could have another time
   * than what the monitors decided, or be what they never did. It closes what they turned down.
   */
  private tally(open: Open, now: number, effects: Array<BallotEffect>): void {
    const electorate = open.target.ipv6 ? this.ipv6Electorate : this.electorate
    let yes = 0
    let no = 0
    for (const [node, { agree }] of open.votes) {
      if (!electorate.has(node)) continue
      if (agree) yes++
      else no++
    }
    const needed = Math.max(Math.floor(electorate.size / 2) + 1, this.minimumVotes)
    if (yes >= needed) {
      if (!this.isVoter) return
      // After what was decided before, even by a node whose clock is ahead of ours.
      const decidedAt = Math.max(now, possibleTime(open.ofTarget.decidedAt, now) + 1)
      const votes = this.counted(open.votes)
      const message = this.pass({ proposal: open.proposal, votes, decidedAt, decidedBy: this.node }, now, effects)
      effects.push({ _tag: "PublishDecision", message })
      open.ofTarget.repeatAt = now + republishTime
    } else if (no >= needed) {
      this.reject(open, "voted-down", now, effects)
      if (this.isVoter) {
        effects.push({
          _tag: "PublishDecision",
          message: { Proposal: open.proposal, SenderNodeID: this.node, Passed: false, DecidedAt: now }
        })
      }
    } else if (electorate.size >= needed && yes + no >= electorate.size) {
      // All have voted and no majority is possible any more: the next observation asks anew.
      this.reject(open, "split", now, effects)
    }
  }

  /** A proposal passed, here or elsewhere: it is applied, and every other one for its target is closed. */
  private pass(
    passed: Pick<Decision, "votes" | "decidedAt" | "decidedBy"> & { readonly proposal: Proposal },
    now: number,
    effects: Array<BallotEffect>
  ): FinalizeMessage {
    const { proposal, votes, decidedAt, decidedBy } = passed
    const id = proposal.ID
    const open = this.open.get(id)
    const closed = this.closed.get(id)
    const firstSeen = (open ?? closed)?.firstSeen
    const target = open?.target ?? proposalTarget(proposal)
    effects.push({
      _tag: "Apply",
      decision: {
        id,
        target,
        up: proposal.ProposedStatus,
        error: proposal.ErrorText,
        data: proposal.Data,
        decidedAt,
        decidedBy,
        votes
      },
      again: closed?.decidedAt !== undefined,
      openFor: firstSeen === undefined ? undefined : now - firstSeen
    })
    const message: FinalizeMessage = {
      Proposal: proposal,
      SenderNodeID: this.node,
      Passed: true,
      DecidedAt: decidedAt,
      Votes: fitVotes(votes)
    }
    const ofTarget = open?.ofTarget ?? this.ofTarget(targetKey(target))
    if (open !== undefined) this.close(open, votes, decidedAt, now)
    else {
      if (closed !== undefined) this.forget(id, closed)
      this.remember({ proposal, firstSeen: firstSeen ?? now, votes, ownVote: undefined, decidedAt, answeredAt: now })
    }
    this.rememberDecided(id, now)
    if (decidedAt > possibleTime(ofTarget.decidedAt, now)) {
      ofTarget.decidedAt = decidedAt
      ofTarget.decision = message
      ofTarget.learntAt = now
      // Their votes are from before: late ones must not overturn what is decided.
      for (const other of ofTarget.open) this.reject(other, "superseded", now, effects)
    }
    return message
  }

  private reject(
    open: Open,
    reason: Extract<BallotEffect, { _tag: "Rejected" }>["reason"],
    now: number,
    effects: Array<BallotEffect>
  ): void {
    const votes = this.counted(open.votes)
    effects.push({ _tag: "Rejected", proposal: open.proposal, votes, reason })
    this.close(open, votes, undefined, now)
  }

  private close(
    open: Open,
    votes: Decision["votes"],
    decidedAt: Closed["decidedAt"],
    now: number
  ): void {
    const { proposal, firstSeen, ownVote } = open
    const weight = proposalWeight(proposal)
    this.open.delete(proposal.ID)
    open.ofTarget.open.delete(open)
    this.senderWeights.add(proposal.SenderNodeID, -weight)
    this.weight -= weight + open.voteWeight
    this.remember({ proposal, firstSeen, votes, ownVote, decidedAt, answeredAt: now })
  }

  private remember(closed: Closed): void {
    this.weight += closedWeight(closed)
    this.closed.set(closed.proposal.ID, closed)
  }

  private forget(id: string, closed: Closed): void {
    this.closed.delete(id)
    this.weight -= closedWeight(closed)
    if (closed.decidedAt === undefined) return
    const ofTarget = this.targets.get(targetKey(proposalTarget(closed.proposal)))
    if (ofTarget?.decision?.Proposal === closed.proposal) ofTarget.decision = undefined
  }

  private rememberDecided(id: string, now: number): void {
    if (this.decided.has(id)) return
    this.decided.set(id, now)
    if (this.decided.size > this.limits.decided) this.decided.delete(this.decided.keys().next().value!)
  }

  /**
   * Forgets closed proposals, the oldest first but never `kept`, until this weight fits. False when that is not enough.
   */
  private makeRoom(weight: number, kept?: string): boolean {
    for (const [id, closed] of this.closed) {
      if (this.weight + weight <= this.limits.weight) return true
      if (id !== kept) this.forget(id, closed)
    }
    return this.weight + weight <= this.limits.weight
  }

  private hasRoomForVote(open: Open, node: string): boolean {
    const weight = this.weight + voteWeight(node)
    if (this.electorate.has(node)) return weight <= this.limits.hardWeight
    return weight <= this.limits.weight && open.votes.size < this.electorate.size + this.limits.strangers
  }

  private hold(open: Open, node: string, vote: HeldVote): void {
    if (!open.votes.has(node)) {
      const weight = voteWeight(node)
      open.voteWeight += weight
      this.weight += weight
    }
    open.votes.set(node, vote)
  }

  /** `isOpen`: for an open proposal, which is bounded by its weight. */
  private ofTarget(key: TargetKey, isOpen = false): OfTarget {
    const there = this.targets.get(key)
    if (there !== undefined) return there
    const made: OfTarget = {
      open: new Set(),
      decidedAt: -Infinity,
      decision: undefined,
      learntAt: -Infinity,
      repeatAt: Infinity
    }
    if (isOpen || this.targets.size < this.limits.targets) this.targets.set(key, made)
    return made
  }

  /**
   * The votes that we believe a decision about. Not only those of the electorate: who has just started does not know all
   * monitors yet.
   */
  private believed(told: Decision["votes"]): Decision["votes"] {
    return fitVotes(
      Object.fromEntries(
        Object.entries(told).filter(([node]) => node !== "" && isName(node) && node !== this.node)
      )
    )
  }

  private countedEarly(votes: ReadonlyArray<Vote>, told: Decision["votes"]): Decision["votes"] {
    return this.counted(new Map(votes.map((vote) => [vote.NodeID, { agree: vote.Agree, at: vote.Timestamp }])), told)
  }

  /** The votes of the electorate, and of those nodes that we are told of, as we heard them. */
  private counted(votes: ReadonlyMap<string, HeldVote>, told: Decision["votes"] = {}): Decision["votes"] {
    const counted: Record<string, boolean> = {}
    for (const [node, { agree }] of votes) {
      if (this.electorate.has(node) || Object.hasOwn(told, node)) counted[node] = agree
    }
    return counted
  }
}

const closedWeight = ({ proposal, votes }: Closed): number => proposalWeight(proposal) + votesWeight(votes)
