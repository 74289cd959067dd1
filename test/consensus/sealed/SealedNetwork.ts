import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../../src/consensus/BallotEvent.ts"
import { statusOf } from "../../../src/consensus/sealed/Register.ts"
import { quorum } from "../../../src/consensus/sealed/Roster.ts"
import { SealedBallot } from "../../../src/consensus/sealed/SealedBallot.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { member, roster, rostersOf, start, target } from "./fixtures.ts"
import { plain, proposalOf, voteOf } from "./SealedTable.ts"

export interface Story {
  readonly seed: number
  readonly nodes: number
  /** Stolen keys, fewer than the quorum; without a thief, who also sends again what it heard, and to all sides, undefined. */
  readonly stolen: number | undefined
  /** Of 100 messages. */
  readonly lost: number
  /** Of each clock at most, in milliseconds. */
  readonly skew: number
}

/** How often a monitor checks, in milliseconds. */
const interval = 10_000

/** Small, fast and the same everywhere. */
const chance = (seed: number) => {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Node {
  readonly id: string
  readonly skew: number
  readonly phase: number
  core: SealedBallot
  /** What its disk holds. */
  readonly kept: Map<string, Certificate>
  readonly applied: Map<string, { readonly up: boolean; readonly seq: number }>
}

/** Monitors over a network that loses, doubles, turns round and cuts, with a thief on it. Time goes in quarters of a second. */
export class SealedNetwork {
  readonly targets: ReadonlyArray<Target> = ["Lagoon", "Fuji"].map((name) => ({ ...target, member: name }))
  readonly nodes: ReadonlyArray<Node>
  readonly quorum: number
  readonly stolen: ReadonlySet<string>
  /** All certificates that anybody kept. */
  readonly proved: Array<Certificate> = []
  /** What was truly seen: `voter seq up time target`. */
  readonly seen = new Set<string>()
  now = start
  isHealed = false
  /** Node → side; all on one side when nothing is cut. */
  sides: ReadonlyMap<string, number> = new Map()

  readonly #rosters
  readonly #story: Story
  readonly #chance: () => number
  readonly #flying: Array<
    { readonly at: number; readonly from: string; readonly to: Node; readonly event: BallotEvent }
  > = []
  readonly #heard: Array<BallotEvent> = []
  readonly #truth = new Map<string, boolean>()
  #ids = 0

  constructor(story: Story) {
    const ids = Array.from({ length: story.nodes }, (_, i) => `m${i + 1}`)
    this.#story = story
    this.#chance = chance(story.seed)
    this.#rosters = rostersOf(roster({ members: ids.map((id) => member(id)) }))
    this.quorum = quorum(ids.length)
    this.stolen = new Set(ids.slice(0, Math.min(story.stolen ?? 0, this.quorum - 1)))
    this.nodes = ids.map((id) => ({
      id,
      skew: Math.round((this.#chance() * 2 - 1) * story.skew),
      phase: Math.floor(this.#chance() * 40) * 250,
      core: this.#core(id),
      kept: new Map(),
      applied: new Map()
    }))
    for (const one of this.targets) this.#truth.set(targetKey(one), true)
  }

  truth(of: Target): boolean {
    return this.#truth.get(targetKey(of))!
  }

  /** Everything goes wrong for so many seconds; what is cut stays so if `isCut`. */
  rage(seconds: number, isCut = false): void {
    for (let i = 0; i < seconds * 4; i++) {
      const dice = Math.floor(this.#chance() * 400)
      if (dice < 3 && !isCut) this.cut()
      else if (dice < 5 && !isCut) this.#join()
      else if (dice < 9) {
        const one = this.#any(this.targets)
        this.#truth.set(targetKey(one), !this.truth(one))
      } else if (dice < 11) this.#restart(this.#any(this.nodes), this.#chance() < 0.5)
      else if (dice < 60 && this.#story.stolen !== undefined) this.#steal()
      this.#quarter()
    }
  }

  cut(): void {
    this.sides = new Map(this.nodes.map(({ id }) => [id, this.#chance() < 0.4 ? 1 : 0]))
  }

  heal(): void {
    this.isHealed = true
    this.#join()
  }

  calm(seconds: number): void {
    for (let i = 0; i < seconds * 4; i++) this.#quarter()
  }

  /** The nodes that hold something else than what is true, by register or by what they follow. */
  wrong(): ReadonlyArray<string> {
    return this.nodes.flatMap(({ applied, core, id }) =>
      this.targets.filter((one) =>
        statusOf(core.seq(one)) !== this.truth(one) || applied.get(targetKey(one))?.up !== this.truth(one)
      ).map((one) => `${id} ${one.member}`)
    )
  }

  #core(id: string): SealedBallot {
    return new SealedBallot({ node: id, isVoter: true, signer: cheapSigner(id), rosters: this.#rosters })
  }

  #any<A>(all: ReadonlyArray<A>): A {
    return all[Math.floor(this.#chance() * all.length)]!
  }

  #join(): void {
    this.sides = new Map()
  }

  #restart(node: Node, hasDisk: boolean): void {
    node.core = this.#core(node.id)
    if (!hasDisk) node.kept.clear()
    node.applied.clear()
    for (const certificate of node.kept.values()) this.#handle(node, { _tag: "Restore", certificate })
  }

  #quarter(): void {
    this.now += 250
    const due = this.#flying.filter(({ at }) => at <= this.now)
    for (const flight of due) this.#flying.splice(this.#flying.indexOf(flight), 1)
    for (const { event, from, to } of due) {
      if (this.sides.get(from) === this.sides.get(to.id)) this.#handle(to, event)
    }
    for (const node of this.nodes) {
      const since = this.now - start + node.phase
      if (since % 1_000 === 0) this.#handle(node, { _tag: "Tick" })
      if (since % interval === 0) this.#check(node)
    }
  }

  /** The agent: proposes what it sees if it follows something else; and compares registers with another node, as joins do. */
  #check(node: Node): void {
    for (const one of this.targets) {
      if (node.applied.get(targetKey(one))?.up === this.truth(one)) continue
      const id = `${node.id}-${this.#ids++}`
      this.#handle(node, { _tag: "Propose", id, target: one, up: this.truth(one), error: "", data: null })
    }
    if (!this.isHealed) return
    const peer = this.#any(this.nodes)
    if (peer.core.digest().hash === node.core.digest().hash) return
    for (const certificate of peer.core.certificates()) this.#handle(node, { _tag: "Certificate", certificate })
  }

  #handle(node: Node, event: BallotEvent): void {
    for (const effect of node.core.handle(event, this.now + node.skew)) this.#perform(node, effect)
  }

  #perform(node: Node, effect: BallotEffect): void {
    switch (effect._tag) {
      case "PublishProposal":
        return this.#publish(node.id, { _tag: "Proposal", proposal: effect.proposal })
      case "PublishVote":
        return this.#publish(node.id, { _tag: "Vote", vote: effect.vote })
      case "PublishDecision":
        return this.#publish(node.id, { _tag: "Decision", message: effect.message })
      case "PublishCertificate":
        return this.#publish(node.id, { _tag: "Certificate", certificate: effect.certificate })
      case "Fetch": {
        const certificate = this.nodes.find(({ id }) => id === effect.from)?.core.certificate(effect.target)
        if (certificate !== undefined) this.#send(effect.from, node, { _tag: "Certificate", certificate })
        return
      }
      case "Observe": {
        const [up, observedAt] = [this.truth(effect.target), this.now + node.skew]
        this.seen.add(`${node.id} ${up} ${observedAt} ${targetKey(effect.target)}`)
        return void this.#flying.push({
          at: this.now + this.#delay(2_000),
          from: node.id,
          to: node,
          event: { _tag: "Observed", id: effect.id, up, observedAt }
        })
      }
      case "Persist": {
        node.kept.set(targetKey(effect.certificate.T), effect.certificate)
        this.proved.push(effect.certificate)
        return
      }
      case "Apply": {
        const { decision } = effect
        node.applied.set(targetKey(decision.target), { up: decision.up, seq: decision.proof?.seq ?? 0 })
        return
      }
      default:
        return
    }
  }

  #delay(most: number): number {
    return Math.floor(this.#chance() * (this.isHealed ? 200 : most))
  }

  #publish(from: string, event: BallotEvent): void {
    this.#heard.push(event)
    for (const to of this.nodes) if (to.id !== from) this.#send(from, to, event)
  }

  #send(from: string, to: Node, event: BallotEvent): void {
    if (!this.isHealed && this.#chance() * 100 < this.#story.lost) return
    const copies = !this.isHealed && this.#chance() < 0.1 ? 2 : 1
    for (let i = 0; i < copies; i++) this.#flying.push({ at: this.now + this.#delay(5_000), from, to, event })
  }

  /** The thief: signs anything with what it stole, sends what it heard again, and changes that. */
  #steal(): void {
    const to = this.#any(this.nodes)
    const say = (event: BallotEvent) => this.#flying.push({ at: this.now, from: to.id, to, event })
    const old = this.#heard.length === 0 ? undefined : this.#any(this.#heard)
    if (old !== undefined) say(old)
    if (old?._tag === "Vote") {
      say({ _tag: "Vote", vote: { ...old.vote, Agree: !old.vote.Agree } })
      const { Seal: _, ...bare } = old.vote
      say({ _tag: "Vote", vote: bare })
    }
    if (old?._tag === "Proposal") {
      const { Seal: _, ...bare } = old.proposal
      say({ _tag: "Proposal", proposal: bare })
      for (const id of this.stolen) {
        const options = {
          id: old.proposal.ID,
          target: this.#any(this.targets),
          seq: old.proposal.Seq ?? 1,
          at: this.now
        }
        say({ _tag: "Vote", vote: voteOf(id, options) })
      }
    }
    const of = this.#any(this.targets)
    const seq = Math.max(1, to.core.seq(of) + Math.floor(this.#chance() * 3))
    const id = `thief-${this.#ids++}`
    say({ _tag: "Proposal", proposal: plain("stranger", { id: `${id}-plain`, target: of, at: this.now }) })
    for (const thief of this.stolen) {
      say({ _tag: "Proposal", proposal: proposalOf(thief, { id: `${id}-${thief}`, target: of, seq, at: this.now }) })
      for (const voter of this.stolen) {
        say({ _tag: "Vote", vote: voteOf(voter, { id: `${id}-${thief}`, target: of, seq, at: this.now }) })
      }
    }
    const votes = [...this.stolen].map((voter) => ({
      voter,
      observedAt: new Date(this.now).toISOString(),
      sig: voteOf(voter, { target: of, seq, at: this.now }).Seal!.sig
    }))
    const honest = this.nodes.find((node) => !this.stolen.has(node.id))!.id
    const forged = [...votes, {
      ...votes[0] ?? { observedAt: new Date(this.now).toISOString(), sig: "cheap:0" },
      voter: honest
    }]
    const certificate: Certificate = { cluster: "test", epoch: 1, T: of, seq, votes: forged }
    say({ _tag: "Certificate", certificate })
    say({ _tag: "Certificate", certificate: { ...certificate, votes } })
    say({
      _tag: "Decision",
      message: {
        Proposal: plain(honest, { id, target: of, seq, at: this.now }),
        SenderNodeID: honest,
        Passed: true,
        DecidedAt: this.now,
        ...this.#chance() < 0.5 && { Certificate: certificate }
      }
    })
  }
}
