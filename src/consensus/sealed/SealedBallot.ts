import * as Result from "effect/Result"
import type { Target } from "../../domain/Target.ts"
import {
  type FinalizeMessage,
  makeProposal,
  type Proposal,
  proposalTarget,
  type Vote
} from "../../domain/wire/Consensus.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import type { OpenProposal } from "../Ballot.ts"
import type { BallotCore } from "../BallotCore.ts"
import type { AbstainReason, BallotEffect, DropReason } from "../BallotEffect.ts"
import type { BallotEvent } from "../BallotEvent.ts"
import { dropped } from "../dropped.ts"
import { isSameProposal } from "../isSameProposal.ts"
import { type BallotLimits, ballotLimits, fitProposal, isName, proposalWeight } from "../Limits.ts"
import { attemptTime, freshTime, republishTime, revoteTime } from "../Timing.ts"
import { AheadVotes } from "./AheadVotes.ts"
import { AskedTargets } from "./AskedTargets.ts"
import { ClosedProposals } from "./ClosedProposals.ts"
import { decisionIdOf } from "./decisionIdOf.ts"
import { type Checked, FailedChecks } from "./FailedChecks.ts"
import { ForeignStatuses } from "./ForeignStatuses.ts"
import { type OpenProposalOf, type OpenStep, OpenSteps, outside } from "./OpenSteps.ts"
import { Publications } from "./Publications.ts"
import { isStep, nextSeq, statusOf } from "./Register.ts"
import type { SeqDigest } from "./RegisterDigest.ts"
import type { RegisterEffect, RegisterStep } from "./RegisterEffect.ts"
import { type RegisterLimits, Registers } from "./Registers.ts"
import { renewalIdOf, Renewals } from "./Renewals.ts"
import { quorum } from "./Roster.ts"
import type { Rosters } from "./Rosters.ts"
import { screenProposal, screenVote } from "./screen.ts"
import {
  checkOwnVote,
  checkProposal,
  checkVote,
  type SealedVote,
  sealProposal,
  sealVote,
  type Sign,
  type Unsealed
} from "./seals.ts"
import { StepTimes } from "./StepTimes.ts"
import { VerifiedSignatures } from "./VerifiedSignatures.ts"
import { maxSpread, verify } from "./verify.ts"

/** Proposals of outsiders that are open for one target. */
const maxOutside = 16

/** What is to be proposed. */
type Asked = Pick<Extract<BallotEvent, { _tag: "Propose" }>, "id" | "target" | "up" | "error" | "data">

/**
 * The pure core of consensus in the mode `require` (`docs/consensus.md`, "Sealed consensus"): events go in, effects come out.
 * Deterministic; owns its state, all of it bounded.
 *
 * A step of a register is taken by a certificate and by nothing else, whether it came or was made here of votes. Proposals only ask
 * members to look: votes are evidence for (T, seq), whatever proposal they answer.
 */
export class SealedBallot implements BallotCore {
  readonly #node: string
  readonly #isVoter: boolean
  readonly #signer: Sign | undefined
  readonly #knows: (target: Target) => boolean
  readonly #minimumTime: (target: Target) => number
  readonly #limits: BallotLimits

  #rosters: Rosters
  #isIsolated = false
  readonly #registers: Registers
  readonly #renewals: Renewals
  readonly #signatures = new VerifiedSignatures()
  readonly #failed = new FailedChecks()

  readonly #open = new OpenSteps()
  readonly #closed: ClosedProposals
  readonly #ahead: AheadVotes
  readonly #times = new StepTimes()
  readonly #publications = new Publications()
  readonly #asked: AskedTargets
  readonly #foreign: ForeignStatuses

  /** The event of the moment: its time, and what it wants done. */
  #now = Number.NEGATIVE_INFINITY
  #effects: Array<BallotEffect> = []

  /**
   * `isVoter`: this node proposes, votes and publishes, if the roster has its key; without a `signer` it only follows.
   * `knows`: whether the configuration has a target. `minimumTime`: how long a status stands at least, in milliseconds.
   */
  constructor(options: {
    readonly node: string
    readonly isVoter: boolean
    readonly signer?: Sign | undefined
    readonly rosters: Rosters
    readonly knows?: (target: Target) => boolean
    readonly minimumTime?: (target: Target) => number
    readonly limits?: Partial<BallotLimits & RegisterLimits>
  }) {
    this.#node = options.node
    this.#isVoter = options.isVoter && options.signer !== undefined
    this.#signer = options.signer
    this.#rosters = options.rosters
    this.#knows = options.knows ?? (() => true)
    this.#minimumTime = options.minimumTime ?? (() => 0)
    this.#limits = { ...ballotLimits, ...options.limits }
    this.#closed = new ClosedProposals(this.#limits.decided)
    this.#asked = new AskedTargets(this.#limits.targets)
    this.#foreign = new ForeignStatuses(this.#limits.targets)
    this.#ahead = new AheadVotes({ steps: this.#limits.earlyProposals })
    this.#registers = new Registers({
      verify: (certificate, message) => verify(certificate, message, this.#rosters, this.#signatures),
      minEpoch: () => this.#rosters.minEpoch,
      knows: this.#knows,
      ...options.limits !== undefined && { limits: options.limits }
    })
    this.#renewals = new Renewals(() => this.#registers.retired())
  }

  /** Takes an event at `now`, milliseconds since the epoch. */
  handle(event: BallotEvent, now: number): ReadonlyArray<BallotEffect> {
    const before = this.#now
    this.#now = now
    this.#effects = []
    if (now < before - republishTime) this.#onSetBack()
    switch (event._tag) {
      case "Vote":
        this.#onVote(event.vote)
        break
      case "Observed":
        this.#onObserved(event.id, event.up, event.observedAt ?? now)
        break
      case "Proposal":
        this.#onProposal(event.proposal)
        break
      case "Decision":
        this.#onDecision(event.message)
        break
      case "Propose":
        this.#onPropose(event)
        break
      case "Certificate":
        this.#onCertificate(
          event.certificate,
          event.message,
          event.from ?? "",
          event.unasked === true ? "told" : "asked"
        )
        break
      case "Restore":
        this.#follow(this.#registers.handle(event, now), "")
        break
      case "Rosters":
        this.#onRosters(event.rosters)
        break
      case "Isolated":
        this.#onIsolated(event.isolated)
        break
      case "Targets":
        this.#onTargets(event.knows)
        break
      case "Tick":
        this.#onTick()
        break
      case "Electorate":
        // The roster says who votes.
        break
    }
    return this.#effects
  }

  /** The proposals that are open, in the order in which they came, with the votes for their steps. */
  proposals(): ReadonlyArray<OpenProposal> {
    return Array.from(this.#open.all(), ({ firstSeen, proposal, step }) => ({
      proposal,
      votes: step.votes.votes(),
      firstSeen
    }))
  }

  /** Where the register of a target stands; 0 when it was never decided. */
  seq(target: Target): number {
    return this.#registers.seq(target)
  }

  /** What proves it; undefined when it was never decided. */
  certificate(target: Target): Certificate | undefined {
    return this.#registers.certificate(target)
  }

  /** All that is proved, for peers that ask. */
  certificates(): ReadonlyArray<Certificate> {
    return this.#registers.certificates()
  }

  /** Of all (target, seq): equal exactly when two nodes hold the same. */
  digest(): SeqDigest {
    return this.#registers.digest()
  }

  /** Whether so many certificates of a node that was asked were wrong that no more are looked at within this second. */
  isUnchecked(node: string, now: number): boolean {
    return this.#failed.isSpent("asked", node, now)
  }

  /** How much is kept, for tests and metrics. */
  size() {
    return {
      ...this.#open.size,
      ...this.#registers.size(),
      closed: this.#closed.size,
      ahead: this.#ahead.size,
      publications: this.#publications.size,
      asked: this.#asked.size,
      foreign: this.#foreign.size
    }
  }

  // Proposing

  #onPropose(event: Extract<BallotEvent, { _tag: "Propose" }>): void {
    const seq = nextSeq(this.seq(event.target), event.up)
    if (seq !== undefined) this.#propose(event, seq)
  }

  /** Asks for the step that we stand at to be proved again: what proved it is of an epoch that is retired. */
  #renew({ T: target, seq }: Certificate): boolean {
    if (this.#open.step(target, seq) !== undefined) return false
    const id = renewalIdOf(this.#node, target, seq, this.#now)
    const error = "its status is proved again, as the epoch of the last proof is retired"
    this.#propose({ id, target, up: statusOf(seq)!, error, data: null }, seq)
    return this.#open.find(id) !== undefined
  }

  #propose(asked: Asked, seq: number): void {
    const { id, target } = asked
    const signer = this.#signer
    if (!this.#isVoter || signer === undefined || !this.#knows(target)) return
    if (this.#abstention(target) !== undefined) return

    const proposals = [...this.#open.step(target, seq)?.proposals ?? []]
    // Another's that got nowhere for a while does not keep us from asking: perhaps nobody else has heard it.
    const same = proposals.find(({ own }) => own) ??
      proposals.find(({ firstSeen }) => this.#isRecent(firstSeen, republishTime))
    if (same !== undefined) {
      if (same.own && !this.#isRecent(same.publishedAt, republishTime)) this.#republish(same)
      this.#ask(same)
      return
    }
    const fitted = fitProposal(makeProposal({ ...asked, sender: this.#node, at: this.#now }))
    if (fitted === undefined) return this.#drop("proposal", "too-long", this.#node)
    if (this.#open.find(id) !== undefined || this.#closed.get(id) !== undefined) {
      return this.#drop("proposal", "replay", this.#node)
    }
    const proposal = sealProposal(signer, this.#rosters.current, fitted, seq)
    this.#effects.push({ _tag: "Proposed", proposal, own: true }, { _tag: "PublishProposal", proposal })
    this.#enter(proposal, seq, true)
  }

  #onProposal(received: Proposal): void {
    const { ID: id, SenderNodeID: sender } = received
    const drop = (reason: DropReason, skew?: number) => this.#drop("proposal", reason, sender, skew)
    const screened = screenProposal(received, {
      node: this.#node,
      knows: this.#knows,
      now: this.#now,
      rosters: this.#rosters
    })
    if (screened._tag === "Refused") return drop(screened.reason, screened.skew)
    const { message: proposal } = screened
    const seq = screened._tag === "Sealed" ? screened.seq : outside
    const target = proposalTarget(proposal)

    const known = this.#open.find(id)
    // An outsider that is faster with the id of a member does not keep that one out.
    if (known !== undefined && (seq === outside || known.step.seq !== outside)) {
      const isSame = isSameProposal(known.proposal, proposal) && known.proposal.SenderNodeID === sender
      return isSame && known.step.seq === seq ? this.#ask(known) : drop("mismatch")
    }
    const others = [...this.#open.step(target, seq)?.proposals ?? []]
    if (screened._tag === "Outside") {
      if (others.length >= maxOutside) return drop("second")
      return this.#hasRoom("", proposal) ? this.#receive(proposal, outside) : drop("full")
    }

    if (!this.#registers.wants(target, seq)) return this.#answer(target)
    const isNext = this.#isNext(target, seq)
    if (this.#closed.get(id) !== undefined) return drop("replay")
    // One of each sender, the newest: so an old one that somebody sends again never stands in the way.
    const before = others.find((open) => open.proposal.SenderNodeID === sender)
    const isSecond = before !== undefined &&
      (screened.at <= before.proposal.Timestamp || this.#isRecent(before.firstSeen, republishTime))
    if (isSecond) return drop("second")
    if (!isNext && !this.#asked.mayAsk(target, seq, sender, this.#now)) return drop("step")
    const checked = this.#checked("proposal", sender, () => checkProposal(proposal, this.#rosters, this.#signatures))
    if (Result.isFailure(checked)) return drop(checked.failure)
    if (!isNext) return this.#fetch(target, seq, sender)
    if (!this.#hasRoom(sender, proposal)) return drop("full")
    if (known !== undefined) this.#close(known, "superseded")
    this.#receive(proposal, seq)
    // Only now: with its last proposal the votes for a step go.
    if (before !== undefined && this.#open.find(before.proposal.ID) === before) this.#close(before, "superseded")
  }

  #receive(proposal: Proposal, seq: number): void {
    this.#effects.push({ _tag: "Proposed", proposal, own: false })
    this.#enter(proposal, seq, false)
  }

  /** Opens a proposal, with the votes that came before it. */
  #enter(proposal: Proposal, seq: number, own: boolean): void {
    const ahead = this.#ahead.take(proposalTarget(proposal), seq)
    const open = this.#open.open(proposal, seq, own, this.#now, ahead)
    if (ahead !== undefined) this.#tally(open.step)
    if (this.#open.find(proposal.ID) !== open) return
    // One vote for a step is enough while nobody asks again: it counts with all who know the proposal that it was for.
    const { lookingSince } = open.step
    const isSaid = seq !== outside && (this.#isFresh(open.step) || lookingSince !== undefined)
    if (!isSaid) this.#ask(open)
  }

  /** Each member has an equal share of the room, and all outsiders together have one. Our own always has room. */
  #hasRoom(sharer: string, proposal: Proposal): boolean {
    const members = this.#rosters.electorate(this.#rosters.current.epoch, false)?.size ?? 0
    const share = Math.min(this.#limits.senderWeight, this.#limits.weight / (members + 1))
    return this.#open.weight(sharer) + proposalWeight(proposal) <= share
  }

  // Looking and voting

  /** Why we do not judge a target now. */
  #abstention(target: Target): AbstainReason | undefined {
    if (this.#isIsolated) return "isolated"
    const electorate = this.#electorate(target)
    if (!electorate.has(this.#node) || electorate.size < quorum(electorate.size)) return "no-judge"
    return this.#times.isWithin(target, this.#minimumTime(target), this.#now) ? "too-soon" : undefined
  }

  /** Says what we see, as somebody asks for it; looks first if that is too long ago. */
  #ask(open: OpenProposalOf): void {
    if (!this.#isVoter) return
    const { step } = open
    const reason = this.#abstention(step.target)
    if (reason !== undefined) return this.#abstain(open, reason)
    if (this.#isRecent(open.votedAt, revoteTime)) return
    // What is said to v2 nodes never changes, as with v2.
    const isLast = open.vote?.Seal === step.seen?.seal && this.#isFresh(step)
    if (open.vote !== undefined && (step.seq === outside || isLast)) {
      open.votedAt = this.#now
      this.#effects.push({ _tag: "PublishVote", vote: open.vote })
    } else if (this.#isFresh(step)) this.#cast(open)
    else this.#look(open)
  }

  #look(open: OpenProposalOf): void {
    const { proposal, step } = open
    open.isWaiting = true
    if (step.lookingSince !== undefined && this.#isRecent(step.lookingSince, attemptTime)) return
    step.lookingSince = this.#now
    const since = this.#times.since(step.target)
    this.#effects.push({
      _tag: "Observe",
      id: step.key,
      target: step.target,
      up: proposal.ProposedStatus,
      // A name that nobody signed for has no share of its own.
      from: step.seq === outside ? "" : proposal.SenderNodeID,
      ...since !== undefined && { since }
    })
  }

  #onObserved(id: string, up: boolean | undefined, at: number): void {
    const step = this.#open.stepOf(id)
    const signer = this.#signer
    if (step?.lookingSince === undefined || signer === undefined) return
    step.lookingSince = undefined
    const { seq, target } = step
    const waiting = [...step.proposals].filter((open) => open.isWaiting)
    for (const open of waiting) open.isWaiting = false
    // What was seen before the last step led to that one.
    const isOld = at < (this.#times.since(target) ?? -Infinity) || Math.abs(this.#now - at) > maxSpread
    const reason = this.#abstention(target) ?? (up === undefined || isOld ? "not-observed" : undefined)
    if (up === undefined || reason !== undefined) {
      for (const open of waiting) this.#abstain(open, reason ?? "not-observed")
      return
    }
    step.seen = {
      up,
      at,
      seal: sealVote(signer, this.#rosters.current, { target, seq, up, observedAt: at }, this.#signatures)
    }
    for (const open of waiting) if (this.#open.find(open.proposal.ID) === open) this.#cast(open)
  }

  /** Our vote on a proposal. For the step 0 it counts at v2 nodes, and can never be part of a certificate. */
  #cast(open: OpenProposalOf): void {
    const { proposal, step } = open
    const { at, seal, up } = step.seen!
    const vote: Vote = {
      ProposalID: proposal.ID,
      SenderNodeID: this.#node,
      NodeID: this.#node,
      Agree: up === proposal.ProposedStatus,
      Timestamp: this.#now,
      Seq: step.seq,
      Seal: seal,
      ...step.seq !== outside && { Target: step.target }
    }
    open.vote = vote
    open.votedAt = this.#now
    this.#effects.push({ _tag: "PublishVote", vote }, { _tag: "Voted", proposal, vote, own: true })
    if (step.seq !== outside) this.#onSealedVote(vote, step.target, step.seq, at)
  }

  #abstain(open: OpenProposalOf, reason: AbstainReason): void {
    const { proposal, step } = open
    if (this.#isRecent(step.abstainedAt, revoteTime)) return
    step.abstainedAt = this.#now
    this.#effects.push({ _tag: "Abstained", proposal, reason })
  }

  #republish(open: OpenProposalOf): void {
    open.publishedAt = this.#now
    this.#effects.push({ _tag: "PublishProposal", proposal: open.proposal })
  }

  // Counting

  #onVote(vote: Vote): void {
    const screened = screenVote(vote, { node: this.#node, now: this.#now, rosters: this.#rosters })
    if (screened._tag === "Refused") return this.#drop("vote", screened.reason, vote.NodeID, screened.skew)
    // For v2 nodes.
    if (screened._tag === "Outside") return
    if (vote.Target !== undefined) return this.#onSealedVote(vote, vote.Target, screened.seq, screened.at)
    const open = this.#open.find(vote.ProposalID)
    if (open !== undefined) {
      return this.#count(
        vote,
        open.step.target,
        open.step.seq,
        screened.at,
        () => checkVote(vote, open.proposal, this.#rosters, this.#signatures)
      )
    }
    const closed = this.#closed.get(vote.ProposalID)
    if (closed !== undefined && closed.seq <= this.seq(closed.target)) this.#answer(closed.target)
    else this.#drop("vote", "unknown-proposal", vote.NodeID)
  }

  /** A vote that says what it is for: it counts whether its proposal came or was lost. */
  #onSealedVote(vote: Vote, target: Target, seq: number, at: number): void {
    const drop = (reason: DropReason) => this.#drop("vote", reason, vote.NodeID)
    if (!this.#knows(target)) return drop("unknown-target")
    if (!this.#registers.wants(target, seq)) return this.#answer(target)
    const check = () => checkOwnVote(vote, target, this.#rosters, this.#signatures)
    if (this.#isNext(target, seq)) return this.#count(vote, target, seq, at, check)
    if (!this.#asked.mayAsk(target, seq, vote.NodeID, this.#now)) return drop("step")
    const checked = this.#checked("vote", vote.NodeID, check)
    if (Result.isFailure(checked)) return drop(checked.failure)
    this.#fetch(target, seq, vote.NodeID)
  }

  /** Takes a vote as evidence for a step: one way for ours and those of others. */
  #count(
    vote: Vote,
    target: Target,
    seq: number,
    at: number,
    check: () => Result.Result<SealedVote, Unsealed>
  ): void {
    const voter = vote.NodeID
    const step = this.#open.step(target, seq)
    if ((step?.votes ?? this.#ahead.get(target, seq))?.holds(voter, at) === true) return
    const checked = this.#checked("vote", voter, check)
    if (Result.isFailure(checked)) return this.#drop("vote", checked.failure, voter)
    if (voter !== this.#node) {
      const asked = this.#open.find(vote.ProposalID)
      const proposal = asked !== undefined && asked.step === step ? asked.proposal : undefined
      this.#effects.push({ _tag: "Voted", proposal, vote, own: false })
    }
    if (step === undefined) return this.#ahead.add(target, checked.success, this.#now)
    step.votes.add(checked.success)
    this.#tally(step)
  }

  /** Whether there is a quorum for a step, or can be none any more. */
  #tally(step: OpenStep): void {
    const n = this.#electorate(step.target).size
    const since = Math.min(...Array.from(step.proposals, ({ firstSeen }) => firstSeen))
    if (step.votes.isLost(n, since)) {
      for (const open of step.proposals) this.#close(open, "voted-down")
      return
    }
    // Who only follows makes no certificate: one that it alone had the votes for would be known to nobody else.
    const certificate = this.#isVoter ? step.votes.certificate(this.#rosters.current, n) : undefined
    if (certificate !== undefined) this.#decide(step, certificate)
  }

  /** Takes a step by a certificate that we made, and publishes that. */
  #decide({ proposals: asked, seq, target }: OpenStep, certificate: Certificate): void {
    const proposals = [...asked]
    const own = proposals.find((open) => open.own)
    const message: FinalizeMessage = {
      Proposal: (own ?? proposals[0]!).proposal,
      SenderNodeID: this.#node,
      Passed: true,
      DecidedAt: this.#times.decidedAt(certificate, this.#now),
      Certificate: certificate
    }
    this.#follow(this.#registers.handle({ _tag: "Certificate", certificate, message }, this.#now), this.#node)
    if (this.seq(target) !== seq || this.#registers.wants(target, seq)) return
    const isOurs = own !== undefined
    if (isOurs) this.#effects.push({ _tag: "PublishDecision", message })
    this.#publications.made(target, message, isOurs, this.#now)
  }

  // Deciding

  #onDecision(message: FinalizeMessage): void {
    const proposal = fitProposal(message.Proposal)
    const sender = message.SenderNodeID
    if (proposal === undefined || !isName(sender)) return this.#drop("decision", "too-long", sender)
    const { Certificate: certificate } = message
    if (certificate !== undefined) {
      return this.#onCertificate(certificate, { ...message, Proposal: proposal }, sender, "decision")
    }
    if (!message.Passed) return
    this.#drop("decision", "unproven", sender)
    // Ours always name themselves.
    const target = proposalTarget(proposal)
    if (this.#isMember(sender) || !this.#knows(target)) return
    this.#effects.push(...this.#foreign.decided(target, proposal.ProposedStatus, statusOf(this.seq(target))))
  }

  #onCertificate(
    certificate: Certificate,
    message: FinalizeMessage | undefined,
    sender: string,
    what: Checked
  ): void {
    // Whom we ask is for us to say: there are few, and each has its own budget.
    const name = what === "asked" || this.#isMember(sender) ? sender : ""
    const { T: target, seq } = certificate
    if (seq === this.seq(target) && what === "decision" && name !== "") this.#publications.heard(target, this.#now)
    if (this.#registers.wants(target, seq) && this.#failed.isSpent(what, name, this.#now)) {
      return this.#drop("decision", "unchecked", sender)
    }
    const event = { _tag: "Certificate", certificate, ...message !== undefined && { message } } as const
    const effects = this.#registers.handle(event, this.#now)
    const isForged = effects.some((effect) => effect._tag === "DropInvalid" && effect.reason._tag === "BadSignature")
    if (isForged) this.#failed.add(what, name)
    this.#follow(effects, sender)
    // Others may not have heard it: only decisions are told to all.
    const isNew = effects.some(({ _tag }) => _tag === "Apply" || _tag === "Renewed")
    if (what !== "decision" && isNew) this.#tell(target)
  }

  #follow(effects: ReadonlyArray<RegisterEffect>, sender: string): void {
    for (const effect of effects) {
      switch (effect._tag) {
        case "Persist":
          this.#effects.push(effect)
          break
        case "Apply":
          // A late one was taken when it came.
          if (effect.late) this.#apply(effect.step, true)
          else this.#take(effect.step, () => this.#apply(effect.step, false))
          break
        case "AdoptLate":
          this.#take(effect.step)
          break
        case "Renewed":
          this.#settle(effect.target, [effect.seq])
          break
        case "AnswerMine":
          if (this.#isVoter) this.#effects.push({ _tag: "PublishCertificate", certificate: effect.certificate })
          break
        case "Ignore":
          if (effect.reason === "unknown-target" || effect.reason === "full") {
            this.#drop("decision", effect.reason, sender)
          }
          break
        case "DropInvalid":
          this.#drop("decision", effect.reason._tag, sender)
          break
      }
    }
  }

  /** The register took a step: what was open below it is closed, as its votes are from before. */
  #take({ certificate, seq, target }: RegisterStep, follow: () => void = () => {}): void {
    const before = this.#times.take(certificate, this.#now)
    follow()
    const below = [before, nextSeq(before, false), nextSeq(before, true)]
    this.#settle(target, [outside, ...below.filter((step): step is number => step !== undefined && step <= seq)])
    this.#effects.push(...this.#foreign.agreed(target))
  }

  /** Some steps are over: nothing is asked nor repeated about them. */
  #settle(target: Target, seqs: ReadonlyArray<number>): void {
    this.#publications.over(target)
    this.#asked.delete(target)
    for (const seq of seqs) {
      for (const open of this.#open.step(target, seq)?.proposals ?? []) this.#close(open, "superseded")
    }
  }

  #apply({ certificate, message, seq, target, up }: RegisterStep, late: boolean): void {
    const step = this.#open.step(target, seq)
    const firstSeen = Math.min(...Array.from(step?.proposals ?? [], (open) => open.firstSeen))
    this.#effects.push({
      _tag: "Apply",
      decision: {
        id: decisionIdOf(target, seq),
        target,
        up,
        error: message?.Proposal.ErrorText ?? "",
        data: message?.Proposal.Data ?? null,
        decidedAt: this.#times.decidedAt(certificate, this.#now),
        decidedBy: message !== undefined && this.#isMember(message.SenderNodeID) ? message.SenderNodeID : "",
        votes: { ...step?.votes.votes(), ...Object.fromEntries(certificate.votes.map(({ voter }) => [voter, true])) },
        proof: { seq, late, certificate }
      },
      again: false,
      openFor: firstSeen === Infinity ? undefined : this.#now - firstSeen
    })
  }

  /** Somebody asks for what is over. Shortly after the step that is a straggler, and the decision is on its way to it. */
  #answer(target: Target): void {
    if (!this.#isRecent(this.#times.since(target) ?? -Infinity, republishTime)) this.#tell(target)
  }

  /** Tells what we hold, within the bounds of the registers. */
  #tell(target: Target): void {
    this.#follow(this.#registers.handle({ _tag: "Behind", target }, this.#now), "")
  }

  /** Whether we may vote on that step from where we stand. */
  #isNext(target: Target, seq: number): boolean {
    const mine = this.seq(target)
    return isStep(mine, seq) || (seq === mine && this.#registers.wants(target, seq))
  }

  /** A member asks for a step that we cannot take from where we stand: it knows the one before. */
  #fetch(target: Target, seq: number, from: string): void {
    this.#asked.add(target, seq, from, this.#now)
    this.#effects.push({ _tag: "Fetch", target, seq: seq - 1, from })
  }

  // Time, rosters, isolation

  #onTick(): void {
    const now = this.#now
    this.#follow(this.#registers.handle({ _tag: "Tick" }, now), "")
    let renewing = 0
    for (const open of this.#open.all()) {
      if (open.own && open.step.seq === this.seq(open.step.target)) renewing++
      if (open.attempts.isOver(now)) {
        if (!open.attempts.next(now)) {
          this.#close(open, "expired")
          continue
        }
        this.#ask(open)
      }
      if (open.own && !this.#isIsolated && !this.#isRecent(open.publishedAt, republishTime)) {
        this.#republish(open)
        this.#ask(open)
      }
    }
    for (const message of this.#publications.due(now)) this.#effects.push({ _tag: "PublishDecision", message })
    this.#asked.forget(now)
    this.#closed.forget(now)
    this.#ahead.forget(now)
    if (this.#isVoter) this.#renewals.goOn(now, renewing, (certificate) => this.#renew(certificate))
  }

  /** Of targets that are gone nothing is kept here: their certificates are restored if they come back. */
  #onTargets(knows: (target: Target) => boolean): void {
    for (const open of this.#open.all()) if (!knows(open.step.target)) this.#close(open, "removed")
    for (const target of this.#registers.retain(knows)) {
      this.#settle(target, [])
      this.#times.delete(target)
    }
  }

  /** Votes of another epoch are no evidence with those of this one: what is open is asked anew, by the next observation. */
  #onRosters(rosters: Rosters): void {
    const { epoch } = this.#rosters.current
    if (rosters.current.epoch < epoch) return
    this.#rosters = rosters
    if (rosters.current.epoch <= epoch) return
    this.#ahead.clear()
    this.#closeAll()
  }

  /** What is open was timed by a clock that was wrong. */
  #onSetBack(): void {
    this.#closeAll()
    // Who asks still asks: it is heard again.
    this.#closed.clear()
    this.#ahead.clear()
    this.#asked.clear()
    this.#times.setBack(this.#now)
  }

  #onIsolated(isolated: boolean): void {
    this.#isIsolated = isolated
    if (!isolated) { for (const open of this.#open.all()) this.#ask(open) }
  }

  #closeAll(): void {
    for (const open of this.#open.all()) this.#close(open, "expired")
  }

  #close(open: OpenProposalOf, reason: Extract<BallotEffect, { _tag: "Rejected" }>["reason"]): void {
    const { firstSeen, proposal, step: { seq, target, votes } } = open
    this.#open.close(open)
    // What became of it among outsiders we do not know.
    if (seq === outside) return
    this.#effects.push({ _tag: "Rejected", proposal, votes: votes.votes(), reason })
    this.#closed.add(proposal.ID, { target, seq, firstSeen })
  }

  // What the others rest on

  #electorate(target: Target): ReadonlyMap<string, unknown> {
    return this.#rosters.electorate(this.#rosters.current.epoch, target.ipv6) ?? new Map<string, unknown>()
  }

  /** A node of any role whose key we hold. */
  #isMember(id: string): boolean {
    return this.#rosters.verifier(this.#rosters.current.epoch, id) !== undefined
  }

  /** Checks a signature of a member; and no more of them once too many in its name were wrong. */
  #checked<A>(what: Checked, sender: string, check: () => Result.Result<A, Unsealed>): Result.Result<A, DropReason> {
    if (this.#failed.isSpent(what, sender, this.#now)) return Result.fail("unchecked")
    const checked = check()
    if (Result.isFailure(checked) && checked.failure === "bad-signature") this.#failed.add(what, sender)
    return checked
  }

  #isRecent(at: number, within: number): boolean {
    return this.#now - at < within
  }

  /** Whether what we saw last for a step may still be said: what was seen before the last step led to that one. */
  #isFresh({ seen, target }: OpenStep): boolean {
    const since = this.#times.since(target) ?? -Infinity
    return seen !== undefined && seen.at >= since && this.#isRecent(seen.at, freshTime)
  }

  #drop(what: "proposal" | "vote" | "decision", reason: DropReason, sender: string, skew?: number): void {
    for (const effect of dropped(what, reason, sender)) {
      this.#effects.push(skew === undefined ? effect : { ...effect, skew })
    }
  }
}
