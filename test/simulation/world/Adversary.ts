import { statusOf } from "../../../src/consensus/sealed/Register.ts"
import { quorum } from "../../../src/consensus/sealed/Roster.ts"
import { sealProposal, sealVote } from "../../../src/consensus/sealed/seals.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import {
  type FinalizeMessage,
  makeProposal,
  type Proposal,
  proposalTarget,
  type Vote
} from "../../../src/domain/wire/Consensus.ts"
import type { Certificate, CertificateVote } from "../../../src/domain/wire/Seal.ts"
import { toWireTime } from "../../../src/domain/wire/WireTime.ts"
import type { Chance } from "../plan/Chance.ts"
import type { Forgery } from "../plan/Plan.ts"
import { epoch as start } from "./AnyNode.ts"
import type { Cluster } from "./Cluster.ts"
import type { Message } from "./Message.ts"
import { mutated } from "./mutated.ts"
import { signerOf } from "./signerOf.ts"
import { nameOf, statusText } from "./Story.ts"

/** What it remembers of what it heard. */
const maxCaptured = 400

interface Overheard {
  readonly certificateVote: CertificateVote
  readonly target: Target
  readonly epoch: number
  readonly seq: number
  readonly up: boolean
  readonly vote: Vote
}

/**
 * Somebody with the password of the broker, and with the keys that were stolen. Hears everything, sends whatever it likes to
 * whomever it likes, and can hold back what passes; it cannot sign for members whose keys it does not have.
 */
export class Adversary {
  readonly #cluster: Cluster
  readonly #captured: Array<Message> = []
  readonly #proposals = new Map<string, Proposal>()
  readonly #votes: Array<Overheard> = []
  readonly #certificates: Array<Certificate> = []
  #isWithholding = false
  #withheld: Array<Overheard> = []
  #count = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** A message passes. True when it goes no further. */
  sees(_from: string, message: Message): boolean {
    if (message.subject === "propose") this.#proposals.set(message.proposal.ID, message.proposal)
    if (message.subject === "vote") this.#overhear(message.vote)
    const certificate = message.subject === "decision"
      ? message.message.Certificate
      : message.subject === "certificate"
      ? message.certificate
      : undefined
    if (certificate !== undefined && this.#certificates.at(-1) !== certificate) this.#certificates.push(certificate)
    if (message.subject !== "join" && message.subject !== "digest" && this.#captured.length < maxCaptured) {
      this.#captured.push(message)
    }
    if (!this.#isWithholding) return false
    const holdsBack = message.subject === "vote" || message.subject === "decision" || message.subject === "certificate"
      || message.subject === "answer"
    if (holdsBack) this.#cluster.count("messages held back")
    return holdsBack
  }

  withhold(isOn: boolean): void {
    this.#isWithholding = isOn
  }

  /** Shows what was held back, as certificates. */
  release(): void {
    const steps = Map.groupBy(this.#withheld, ({ epoch, seq, target }) => `${targetKey(target)} ${seq} ${epoch}`)
    this.#withheld = []
    for (const votes of steps.values()) {
      const certificate = this.#certificateOf(votes, new Map(votes.map((one) => [one.vote.NodeID, one])))
      if (certificate === undefined) continue
      this.#cluster.count("certificates held back")
      this.#tell(`shows what was held back: ${nameOf(certificate.T)} seq ${certificate.seq}`)
      this.#inject({ subject: "decision", message: this.#decision(certificate) })
    }
  }

  /** Makes something up. */
  forge(what: Forgery, chance: Chance): void {
    const { plan } = this.#cluster
    const target = chance.pick(plan.targets)
    const seq = this.#seqOf(target)
    const next = seq === 0 ? chance.int(1, 2) : seq + 1
    const voters = this.#electorate(target)
    const to = chance.yes(0.4) ? chance.some([...this.#cluster.nodes.keys()], chance.int(1, 3)) : undefined
    const made = this.#forged(what, { chance, target, seq, next, voters })
    if (made.length === 0) return
    this.#cluster.count(`forged: ${what}`)
    this.#tell(
      `${what} on ${nameOf(target)}, which stands at seq ${seq}${to === undefined ? "" : `, to ${to.join(", ")}`}`
    )
    for (const message of made) this.#inject(message, to)
  }

  /** Nodes that are no members propose, and vote for it. */
  strangers(chance: Chance): void {
    const { mode, targets } = this.#cluster.plan
    const target = chance.pick(targets)
    const up = chance.yes(0.3)
    const proposal = makeProposal({
      id: `x-${this.#id(chance)}`,
      sender: "x1",
      target,
      up,
      error: "",
      data: null,
      at: this.#wall
    })
    this.#inject({ subject: "propose", proposal })
    const known = [proposal, ...[...this.#proposals.values()].slice(-2)]
    for (const { ID } of known) {
      for (let i = 1; i <= 8; i++) this.#inject({ subject: "vote", vote: this.#plainVote(`x${i}`, ID, true) })
    }
    this.#tell(`strangers want ${nameOf(target)} ${statusText(up)}`)
    if (mode !== "require") return
    this.#inject({
      subject: "decision",
      message: { Proposal: proposal, SenderNodeID: "x1", Passed: true, DecidedAt: this.#wall }
    })
  }

  /** A great many messages, in many names. */
  flood(count: number, chance: Chance): void {
    const { plan } = this.#cluster
    for (let i = 0; i < count; i++) {
      const target = { ...chance.pick(plan.targets), ...chance.yes(0.5) ? { member: `invented-${i}` } : {} }
      const sender = chance.yes(0.5) && plan.mode !== "open" && plan.mode !== "roster"
        ? chance.pick(plan.monitors)
        : `x${i % 9}`
      const proposal = makeProposal({
        id: `x-${this.#id(chance)}`,
        sender: plan.mode === "open" ? "d1" : sender,
        target,
        up: chance.yes(0.5),
        error: "x".repeat(chance.int(0, 2_000)),
        data: null,
        at: this.#wall
      })
      this.#inject({ subject: "propose", proposal })
      const voter = plan.mode === "open" ? "d1" : `x${chance.int(1, 30)}`
      this.#inject({ subject: "vote", vote: this.#plainVote(voter, chance.yes(0.5) ? proposal.ID : `x-${i}`, true) })
    }
    this.#cluster.count("flood messages", 2 * count)
  }

  get #wall(): number {
    return start + Math.floor(this.#cluster.agenda.now)
  }

  #tell(text: string): void {
    this.#cluster.story.tell(this.#cluster.agenda.now, "somebody", () => text)
  }

  #id(chance: Chance): string {
    return `${this.#count++}-${chance.hex()}`
  }

  /** It reaches everybody, whatever is cut. */
  #inject(message: Message, to?: ReadonlyArray<string>): void {
    if (message.subject === "propose") this.#proposals.set(message.proposal.ID, message.proposal)
    const { agenda, nodes } = this.#cluster
    for (const [id, node] of nodes) {
      if (to !== undefined && !to.includes(id)) continue
      agenda.after(1, () => {
        if (node.alive) node.receive("somebody", message)
      })
    }
  }

  #overhear(vote: Vote): void {
    const proposal = this.#proposals.get(vote.ProposalID)
    if (vote.Seal === undefined || vote.Seq === undefined || vote.Seq === 0 || proposal === undefined) return
    const up = vote.Agree === proposal.ProposedStatus
    const one: Overheard = {
      certificateVote: { voter: vote.NodeID, observedAt: vote.Seal.observedAt, sig: vote.Seal.sig },
      target: proposalTarget(proposal),
      epoch: vote.Seal.epoch,
      seq: vote.Seq,
      up,
      vote
    }
    this.#votes.push(one)
    if (this.#isWithholding && up === statusOf(vote.Seq)) this.#withheld.push(one)
  }

  #electorate(target: Target): ReadonlyArray<string> {
    return this.#cluster.rosters.current.members
      .filter(({ ipv6, role }) => role === "IBPMonitor" && (ipv6 || !target.ipv6))
      .map(({ id }) => id)
  }

  #seqOf(target: Target): number {
    const key = targetKey(target)
    return Math.max(0, ...this.#certificates.filter(({ T }) => targetKey(T) === key).map(({ seq }) => seq))
  }

  /** True votes for a step, one of each member. */
  #overheard(target: Target, seq: number): ReadonlyMap<string, Overheard> {
    const key = targetKey(target)
    const { epoch } = this.#cluster.rosters.current
    return new Map(
      this.#votes
        .filter((one) =>
          one.seq === seq && one.up === statusOf(seq) && one.epoch === epoch && targetKey(one.target) === key
        )
        .map((one) => [one.vote.NodeID, one])
    )
  }

  #certificateOf(
    [first]: ReadonlyArray<Overheard>,
    votes: ReadonlyMap<string, Overheard>
  ): Certificate | undefined {
    if (first === undefined || votes.size < quorum(this.#electorate(first.target).length)) return undefined
    return this.#certificate(
      first.target,
      first.seq,
      Array.from(votes.values(), (one) => one.certificateVote),
      first.epoch
    )
  }

  #certificate(
    T: Target,
    seq: number,
    votes: ReadonlyArray<CertificateVote>,
    epoch = this.#cluster.rosters.current.epoch
  ): Certificate {
    return { cluster: this.#cluster.rosters.cluster, epoch, T, seq, votes }
  }

  #decision(
    certificate: Certificate,
    options: Partial<FinalizeMessage> & { readonly up?: boolean } = {}
  ): FinalizeMessage {
    const { up = statusOf(certificate.seq) ?? true, ...rest } = options
    const { monitors } = this.#cluster.plan
    return {
      Proposal: {
        ...makeProposal({
          id: `x-${this.#count++}`,
          sender: monitors[0]!,
          target: certificate.T,
          up,
          error: "",
          data: null,
          at: this.#wall
        }),
        Seq: certificate.seq
      },
      SenderNodeID: monitors[0]!,
      Passed: true,
      DecidedAt: this.#wall,
      Certificate: certificate,
      ...rest
    }
  }

  /** A vote that is truly signed, with a stolen key. */
  #stolenVote(voter: string, target: Target, seq: number, at: number, epoch?: number): CertificateVote {
    const { current } = this.#cluster.rosters
    const seal = sealVote(signerOf(voter), { cluster: current.cluster, epoch: epoch ?? current.epoch }, {
      target,
      seq,
      up: statusOf(seq) ?? true,
      observedAt: at
    })
    return { voter, observedAt: seal.observedAt, sig: seal.sig }
  }

  #plainVote(node: string, id: string, agree: boolean): Vote {
    return { ProposalID: id, SenderNodeID: node, NodeID: node, Agree: agree, Timestamp: this.#wall }
  }

  #forged(what: Forgery, { chance, next, seq, target, voters }: {
    readonly chance: Chance
    readonly target: Target
    readonly seq: number
    readonly next: number
    readonly voters: ReadonlyArray<string>
  }): ReadonlyArray<Message> {
    const { plan, rosters } = this.#cluster
    const { current } = rosters
    const wall = this.#wall
    const q = quorum(voters.length)
    const decided = (certificate: Certificate): Message =>
      chance.yes(0.5)
        ? { subject: "decision", message: this.#decision(certificate) }
        : { subject: "certificate", certificate }
    const stolen = plan.stolen.filter((id) => voters.includes(id))
    const stolenVotes = () => stolen.map((voter) => this.#stolenVote(voter, target, next, wall))
    const trueVotes = () => Array.from(this.#overheard(target, next).values(), (one) => one.certificateVote)
    const garbage = (voter: string): CertificateVote => ({
      voter,
      observedAt: toWireTime(wall),
      sig: cheapSigner("somebody").sign(`${voter} ${next}`)
    })

    switch (what) {
      case "bare-decision": {
        const { Certificate: _, ...message } = this.#decision(this.#certificate(target, next, []))
        return [{ subject: "decision", message }]
      }
      case "bad-signatures": {
        const others = voters.filter((voter) => !stolen.includes(voter)).map(garbage)
        return [decided(this.#certificate(target, next, [...stolenVotes(), ...others]))]
      }
      case "too-few":
        return [decided(this.#certificate(target, next, [...trueVotes(), ...stolenVotes()].slice(0, q - 1)))]
      case "repeated-votes": {
        const some = [
          ...trueVotes().slice(0, q - 1),
          ...stolen.flatMap((voter) => [0, 1, 2, 3].map((i) => this.#stolenVote(voter, target, next, wall - i)))
        ]
        const few = [...new Set(some.map(({ voter }) => voter))].slice(0, q - 1)
        const repeated = some.filter(({ voter }) => few.includes(voter))
        return some.length === 0
          ? []
          : [decided(this.#certificate(target, next, [...repeated, ...repeated, ...repeated]))]
      }
      case "stranger-certificate": {
        const strangers = Array.from({ length: q }, (_, i) => this.#stolenVote(`x${i + 1}`, target, next, wall))
        return [decided(this.#certificate(target, next, [...trueVotes().slice(0, q - 1), ...strangers]))]
      }
      case "stolen-votes": {
        const id = [...this.#proposals.values()].findLast((proposal) =>
          proposal.Seq === next && targetKey(proposalTarget(proposal)) === targetKey(target)
        )?.ID
        if (id === undefined) return []
        return stolenVotes().map((vote): Message => ({
          subject: "vote",
          vote: {
            ...this.#plainVote(vote.voter, id, true),
            Seq: next,
            Seal: { cluster: current.cluster, epoch: current.epoch, observedAt: vote.observedAt, sig: vote.sig }
          }
        }))
      }
      case "stolen-proposal": {
        const [voter] = stolen
        if (voter === undefined) return []
        const ahead = next + chance.pick([0, 0, 2, 17])
        const proposal = sealProposal(
          signerOf(voter),
          current,
          makeProposal({
            id: `x-${this.#id(chance)}`,
            sender: voter,
            target,
            up: ahead % 2 === 0,
            error: "",
            data: null,
            at: wall
          }),
          ahead
        )
        const votes = stolen.map((id): Message => {
          const { observedAt, sig } = this.#stolenVote(id, target, ahead, wall)
          return {
            subject: "vote",
            vote: {
              ...this.#plainVote(id, proposal.ID, true),
              Seq: ahead,
              Seal: { cluster: current.cluster, epoch: current.epoch, observedAt, sig }
            }
          }
        })
        return [{ subject: "propose", proposal }, ...votes]
      }
      case "stolen-certificate": {
        // Also with keys of members that may not judge the target.
        const all = plan.stolen.map((voter) => this.#stolenVote(voter, target, next, wall))
        const votes = new Map([...trueVotes(), ...all].map((vote) => [vote.voter, vote]))
        return all.length === 0 ? [] : [decided(this.#certificate(target, next, [...votes.values()]))]
      }
      case "replay":
        return this.#captured.length === 0 ? [] : [chance.pick(this.#captured)]
      case "replay-many":
        return chance.some(this.#captured, 15)
      case "old-certificate": {
        const old = this.#certificates.filter((one) =>
          (one.seq < seq || one.epoch < current.minEpoch) && targetKey(one.T) === targetKey(target)
        )
        return old.length === 0 ? [] : [decided(chance.pick(old))]
      }
      case "mutate": {
        const some = chance.some(this.#captured, 3)
        return some.flatMap((message) => mutated(message, chance))
      }
      case "not-passed":
      case "other-status": {
        const certificate = this.#certificates.findLast((one) => targetKey(one.T) === targetKey(target))
          ?? this.#certificate(target, next, [...trueVotes(), ...stolenVotes()])
        const up = what === "other-status" ? certificate.seq % 2 !== 0 : certificate.seq % 2 === 0
        const message = this.#decision(certificate, { up, Passed: what !== "not-passed" })
        const others = plan.targets.filter((one) => targetKey(one) !== targetKey(target))
        if (what === "not-passed" || others.length === 0 || chance.yes(0.5)) return [{ subject: "decision", message }]
        const { Proposal } = this.#decision(this.#certificate(chance.pick(others), certificate.seq, []))
        return [{ subject: "decision", message: { ...message, Proposal } }]
      }
      case "transplant": {
        const [one] = trueVotes()
        const from = this.#votes.at(-1)?.certificateVote ?? one
        if (from === undefined) return []
        const votes = [...this.#votes.slice(-8).map(({ certificateVote }) => certificateVote), from]
        return [
          decided({
            ...this.#certificate(target, next, votes),
            epoch: chance.pick([current.epoch, 1, current.epoch + 1])
          }),
          decided({ ...this.#certificate(target, next, votes), cluster: "another" })
        ]
      }
      case "odd-times": {
        const by = chance.pick([-3_600_000, 3_600_000, -70_000, 70_000])
        const votes = stolen.map((voter) => this.#stolenVote(voter, target, next, wall + by))
        return [decided(this.#certificate(target, next, [...trueVotes(), ...votes]))]
      }
    }
  }
}
