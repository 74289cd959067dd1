import { NodeTable } from "../../../src/cluster/NodeTable.ts"
import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../../src/consensus/BallotEvent.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import { type Proposal, proposalTarget, type Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { clockTolerance, type OfficialEntry, OfficialTable } from "../../../src/status/OfficialTable.ts"
import { changed } from "../../../src/status/Transition.ts"
import type { Chance } from "../plan/Chance.ts"
import type { DiskAfter } from "../plan/Plan.ts"
import { type AnyNode, epoch, type Role } from "../world/AnyNode.ts"
import type { By } from "../world/By.ts"
import type { Cluster } from "../world/Cluster.ts"
import type { Message } from "../world/Message.ts"
import { nameOf, statusText } from "../world/Story.ts"
import { Eyes, type Seen } from "./Eyes.ts"
import { type Core, makeCore } from "./makeCore.ts"
import { Recount } from "./Recount.ts"
import { Store } from "./Store.ts"

interface Disk {
  official: ReadonlyArray<OfficialEntry>
  readonly certificates: Map<TargetKey, Certificate>
  /** What the certificates replaced that were written last. */
  tail: ReadonlyArray<readonly [TargetKey, Certificate | undefined]>
}

const emptyDisk = (): Disk => ({ official: [], certificates: new Map(), tail: [] })

/** Milliseconds, as in `Consensus`, `Prober`, `Snapshots` and `Membership`. */
const tickTime = 1_000
const idleTickTime = 10_000
const lookTime = 25_000
const savedWithin = 1_000
const joinTime = 1_500

/** Who misses a step asks again after this, and a moment. */
const fetchTime = 10_500

/** Who made a certificate publishes it within this: 1 s, 10 s after a member said that it did, and ticks of a second. */
const publishedWithin = 13_000

/**
 * A node around a pure core, as the shell does it: what is official, the disk, observations, who is there, and catching up. What
 * is lost when it stops is made anew at each start.
 */
export class Node implements AnyNode {
  readonly id: string
  readonly role: Role
  alive = false
  /** How far its clock is ahead. */
  ahead = 0
  readonly misjudges = new Map<number, boolean>()
  #life = 0
  #startedAt = 0
  #disk = emptyDisk()
  readonly #cluster: Cluster
  readonly #chance: Chance
  /** The targets that it knows, and those that it judges. */
  readonly #known: ReadonlySet<TargetKey>
  readonly #planned: ReadonlyMap<TargetKey, PlannedTarget>

  #core!: Core
  #table!: OfficialTable
  #membership!: NodeTable
  #rosters: Rosters | undefined
  #electorate: ReadonlySet<string> | undefined
  #isConnected = true
  #isIsolated: boolean | undefined
  #eyes!: Eyes
  #answered = false
  #askedAt!: Map<string, number>
  #isSaving = false
  /** What it is handling. */
  #event: BallotEvent = { _tag: "Tick" }
  /** Of a monitor that decides by certificates, while its clock is right and it has the room that it needs. */
  #recount: Recount | undefined
  /** Certificates that it made and did not publish yet. */
  #unpublished!: Map<TargetKey, Certificate>
  /** When it asked for a certificate. */
  #fetchedAt!: Map<TargetKey, number>
  /** Until it holds something else for official. */
  #digestText: string | undefined
  /** What was proposed, as this node took it. */
  #proposals!: Map<string, Proposal>
  /** Of a node that collects: it outlives the node. */
  readonly store: Store

  constructor(cluster: Cluster, id: string, role: Role) {
    this.#cluster = cluster
    this.id = id
    this.store = new Store(id, cluster)
    this.role = role
    this.#chance = cluster.chanceOf(id)
    const { plan } = cluster
    this.#known = new Set(plan.targets.map((target) => cluster.watch.keys.of(target)))
    const judged = plan.targets.filter(({ ipv6 }) => !ipv6 || !plan.ipv4Only.includes(id))
    this.#planned = new Map(judged.map((target) => {
      const key = this.#cluster.watch.keys.of(target)
      return [key, { key, target, check: cluster.check } as PlannedTarget] as const
    }))
  }

  get isMonitor(): boolean {
    return this.role === "IBPMonitor"
  }

  get life(): number {
    return this.#life
  }

  get #now(): number {
    return this.#cluster.agenda.now
  }

  /** What its clock says. */
  get wall(): number {
    return epoch + Math.floor(this.#now) + this.ahead
  }

  /** Itself, for who watches. */
  get #by(): By {
    const { current, minEpoch } = this.#rosters!
    return { id: this.id, life: this.#life, wall: this.wall, epoch: current.epoch, minEpoch }
  }

  /** Nothing is going on here. */
  get isQuiet(): boolean {
    return !this.isHolding && this.#core.ballot.size().open === 0
  }

  official(target: Target): boolean | undefined {
    return this.#table.get(this.#cluster.watch.keys.of(target))?.up
  }

  officialId(target: Target): string | undefined {
    return this.#table.get(this.#cluster.watch.keys.of(target))?.id
  }

  /** Whether it knows more than it follows: late certificates wait. */
  get isHolding(): boolean {
    return this.#core.held() > 0
  }

  /** Runs something later, unless the node stopped meanwhile. */
  #later(delay: number, run: () => void): void {
    const life = this.#life
    this.#cluster.agenda.after(delay, () => {
      if (this.alive && this.#life === life) run()
    })
  }

  start(): void {
    const cluster = this.#cluster
    this.#life++
    this.#startedAt = this.#now
    this.alive = true
    this.#rosters = cluster.rosters
    this.#core = makeCore(cluster, this.id, this.isMonitor, this.#rosters, cluster.keyName(this.id))
    this.#table = new OfficialTable({ capacity: 1_000 })
    this.#membership = new NodeTable({ id: this.id, role: this.role, boot: `${this.id}-${this.#life}` })
    this.#electorate = undefined
    this.#isIsolated = undefined
    this.#eyes = new Eyes({
      cluster,
      node: this,
      chance: this.#chance,
      planned: this.#planned,
      later: (delay, run) => this.#later(delay, run),
      official: (key) => this.#table.get(key),
      propose: (target, up) => this.#propose(target, up)
    })
    this.#answered = false
    this.#askedAt = new Map()
    this.#isSaving = false
    this.#digestText = undefined
    this.#proposals = new Map()
    const isRecounted = this.#core.isSealed && this.isMonitor && !cluster.plan.small
    this.#recount = isRecounted ? new Recount(this.id, cluster.watch) : undefined
    this.#unpublished = new Map()
    this.#fetchedAt = new Map()

    for (const entry of this.#disk.official) this.#table.restore(entry)
    if (this.role === "IBPCollator") this.store.bringInLine(this.#table, this.wall)
    cluster.watch.started(this.#by, [...this.#disk.certificates.values()])
    for (const certificate of this.#disk.certificates.values()) this.handle({ _tag: "Restore", certificate })
    this.#tick()
    if (this.#usesMembership) this.#announce(0)
    this.#ask()
    if (this.isMonitor) {
      this.#later(1_000, () => this.#answered && this.#eyes.check())
      this.#later(2_000, () => this.#eyes.check())
    }
    this.#later(5_000 + this.#chance.next() * 10_000, () => this.#tell())
  }

  stop(disk: DiskAfter): void {
    this.alive = false
    if (disk === "lost") this.#disk = emptyDisk()
    if (disk === "tail-lost") {
      for (const [key, before] of this.#disk.tail) {
        if (before === undefined) this.#disk.certificates.delete(key)
        else this.#disk.certificates.set(key, before)
      }
    }
    this.#disk.tail = []
  }

  /** The bus is connected again. */
  reconnected(): void {
    if (!this.alive) return
    this.#ask()
    if (this.#usesMembership) this.#join()
  }

  /** Its connection to the bus breaks, or is there again. */
  connected(connected: boolean): void {
    this.#isConnected = connected
    if (this.alive && connected) this.reconnected()
  }

  /** Who votes is heard, or whether anybody is there. */
  get #usesMembership(): boolean {
    const { mode } = this.#cluster.plan
    return mode === "open" || mode === "require"
  }

  learn(rosters: Rosters): void {
    if (!this.alive || (this.#rosters !== undefined && rosters.current.epoch <= this.#rosters.current.epoch)) return
    this.#rosters = rosters
    this.handle({ _tag: "Rosters", rosters })
  }

  /** The monitors that may vote, as this node knows it. */
  electorate(): ReadonlySet<string> {
    return this.#cluster.plan.mode === "open"
      ? this.#membership.electorate(this.#now)
      : this.#cluster.monitorsOf(this.#rosters!)
  }

  #run(event: BallotEvent): void {
    this.#event = event
    if (event._tag === "Rosters") this.#recount?.clear()
    if (this.#cluster.watch.hasJumped(this.id)) this.#recount = undefined
    for (const effect of this.#core.ballot.handle(event, this.wall)) this.#perform(effect)
    this.#recount?.judge(this.#by)
  }

  /** Whether what it does now comes from votes, and not from a certificate that it was shown. */
  get #isCounting(): boolean {
    const { _tag } = this.#event
    return _tag !== "Decision" && _tag !== "Certificate" && _tag !== "Restore"
  }

  handle(event: BallotEvent): void {
    if (this.#core.isSealed) {
      const monitors = this.#membership.electorate(this.#now)
      const isolated = !this.#isConnected || monitors.size < 2 && (monitors.size === 0 || monitors.has(this.id))
      if (isolated !== this.#isIsolated) {
        this.#isIsolated = isolated
        this.#run({ _tag: "Isolated", isolated })
      }
    } else {
      const electorate = this.electorate()
      if (electorate !== this.#electorate) {
        this.#electorate = electorate
        this.#run({ _tag: "Electorate", members: electorate, minimumVotes: 2 })
      }
    }
    this.#run(event)
    // Where nobody floods nothing grows fast.
    const problem = this.#cluster.plan.small || event._tag === "Propose" ? this.#core.problem() : undefined
    if (problem !== undefined) this.#cluster.watch.violated("P7", `${this.id}: ${problem}`)
  }

  receive(from: string, message: Message): void {
    const cluster = this.#cluster
    switch (message.subject) {
      case "propose":
        this.#heard(message.proposal.SenderNodeID)
        return this.handle({ _tag: "Proposal", proposal: message.proposal })
      case "vote":
        this.#heard(message.vote.SenderNodeID)
        this.handle({ _tag: "Vote", vote: message.vote })
        return this.#core.isSealed && from === message.vote.NodeID ? this.#followsUp(message.vote) : undefined
      case "decision":
        this.#heard(message.message.SenderNodeID)
        return this.handle({ _tag: "Decision", message: message.message })
      case "certificate":
        return this.#core.isSealed ? this.handle({ _tag: "Certificate", certificate: message.certificate }) : undefined
      case "fetch": {
        const certificate = this.#disk.certificates.get(message.key)
        if (certificate !== undefined) cluster.send(this.id, { subject: "certificate", certificate }, from)
        return
      }
      case "join": {
        const joined = this.#membership.join(message.info, this.#now)
        if (joined === "new" || joined === "changed") this.#later(5, () => this.#join())
        return
      }
      case "digest": {
        if (message.digest === this.#digest() || this.#now - (this.#askedAt.get(from) ?? -Infinity) < 30_000) return
        this.#askedAt.set(from, this.#now)
        return this.#later(
          1_000 + this.#chance.next() * 2_000,
          () => cluster.send(this.id, { subject: "ask", digest: this.#digest() }, from)
        )
      }
      case "ask":
        if (message.digest === this.#digest()) return
        return cluster.send(this.id, {
          subject: "answer",
          entries: this.#core.isSealed ? [] : [...this.#table.allEntries().values()],
          certificates: this.#core.isSealed ? [...this.#disk.certificates.values()] : []
        }, from)
      case "answer":
        this.#answered = true
        for (const certificate of message.certificates) this.handle({ _tag: "Certificate", certificate })
        for (const { newest, official } of message.entries) {
          if (Math.max(official.decidedAt, newest.decidedAt) > this.wall + clockTolerance) continue
          this.#change(this.#table.recall(official, newest, this.wall))
        }
    }
  }

  #heard(sender: string): void {
    if (this.#usesMembership && sender !== "") this.#membership.heard(sender, "consensus", this.#now)
  }

  #perform(effect: BallotEffect): void {
    const cluster = this.#cluster
    const { story, watch } = cluster
    switch (effect._tag) {
      case "PublishProposal":
        watch.republished(this.#by, effect.proposal)
        return cluster.send(this.id, { subject: "propose", proposal: effect.proposal })
      case "PublishVote":
        this.#voted(effect.vote)
        return cluster.send(this.id, { subject: "vote", vote: effect.vote })
      case "PublishDecision":
        this.#unpublished.delete(watch.keys.of(proposalTarget(effect.message.Proposal)))
        return cluster.send(this.id, { subject: "decision", message: effect.message })
      case "PublishCertificate":
        cluster.count("told who is behind")
        return cluster.send(this.id, { subject: "certificate", certificate: effect.certificate })
      case "Fetch": {
        cluster.count("fetched")
        this.#fetchedAt.set(this.#cluster.watch.keys.of(effect.target), this.#now)
        const question = {
          subject: "fetch",
          target: effect.target,
          key: this.#cluster.watch.keys.of(effect.target)
        } as const
        return cluster.send(this.id, question, cluster.node(effect.from) === undefined ? undefined : effect.from)
      }
      case "Observe":
        return this.#look(effect)
      case "Persist": {
        const { certificate } = effect
        const key = this.#cluster.watch.keys.of(certificate.T)
        story.tell(
          this.#now,
          this.id,
          () =>
            `keeps ${nameOf(certificate.T)} ${statusText(certificate.seq % 2 === 0)} (seq ${certificate.seq}, ${
              certificate.votes.map(({ voter }) => voter).join(" ")
            })`
        )
        watch.stepped(
          this.#by,
          certificate,
          cluster.cutOf(this.id),
          this.#event._tag === "Decision" ? this.#event.message : undefined
        )
        if (this.#isCounting) this.#publishes(certificate)
        this.#disk.tail = [...this.#disk.tail.slice(-2), [key, this.#disk.certificates.get(key)]]
        this.#disk.certificates.set(key, certificate)
        this.#digestText = undefined
        return
      }
      case "Apply":
        return this.#apply(effect)
      case "Proposed":
        this.#proposals.set(effect.proposal.ID, effect.proposal)
        this.#recount?.opened(effect.proposal, this.wall)
        if (effect.own) {
          watch.proposed(this.#by, effect.proposal, proposalTarget(effect.proposal))
          cluster.count("proposals")
          story.tell(
            this.#now,
            this.id,
            () =>
              `proposes ${nameOf(proposalTarget(effect.proposal))} ${statusText(effect.proposal.ProposedStatus)}${
                effect.proposal.Seq === undefined ? "" : ` (seq ${effect.proposal.Seq})`
              }`
          )
        }
        return
      case "Voted":
        return this.#core.isSealed ? this.#counted(effect) : undefined
      case "Abstained":
        return cluster.count("abstained")
      case "Foreign":
        return cluster.count("foreign")
      case "Rejected":
        this.#recount?.closed(effect)
        cluster.count(`rejected: ${effect.reason}`)
        return story.tell(
          this.#now,
          this.id,
          () =>
            `closes ${nameOf(proposalTarget(effect.proposal))} ${
              statusText(effect.proposal.ProposedStatus)
            }: ${effect.reason}`
        )
      case "Dropped":
        if (effect.what === "decision" && this.#isCounting && this.#core.isSealed) {
          watch.violated("P4", `${this.id} makes a certificate of votes that proves nothing: ${effect.reason}`)
        }
        return cluster.count(`dropped: ${effect.what} ${effect.reason}`)
    }
  }

  /** It took a vote for evidence. */
  #counted({ own, proposal, vote }: Extract<BallotEffect, { _tag: "Voted" }>): void {
    const target = vote.Target ?? (proposal && proposalTarget(proposal))
    if (target === undefined) return
    if (!own) this.#cluster.watch.counted(this.#by, vote, target)
    this.#recount?.voted(vote, target, vote.Agree === ((vote.Seq ?? 0) % 2 === 0), this.wall)
  }

  /** Who hears a member vote on a step that is further than the one after its own asks for what it misses, every 10 s. */
  #followsUp(vote: Vote): void {
    const { watch } = this.#cluster
    const { Target: target, Seq: seq = 0 } = vote
    if (target === undefined || watch.hasJumped(this.id) || !watch.isFurther(this.#by, vote, target)) return
    if (this.#now - (this.#fetchedAt.get(watch.keys.of(target)) ?? -Infinity) < fetchTime) return
    watch.violated("P4", `${this.id} hears ${vote.NodeID} vote on ${nameOf(target)} (seq ${seq}), and asks for nothing`)
  }

  /** It made a certificate, and lets others know. */
  #publishes(certificate: Certificate): void {
    const { T: target, seq } = certificate
    const { watch } = this.#cluster
    const key = watch.keys.of(target)
    this.#unpublished.set(key, certificate)
    this.#later(publishedWithin, () => {
      const isLast = this.#unpublished.get(key) === certificate && this.#disk.certificates.get(key) === certificate
      if (!isLast || watch.hasJumped(this.id)) return
      watch.violated("P4", `${this.id} made a certificate of ${nameOf(target)} (seq ${seq}), and published it nowhere`)
    })
  }

  #voted(vote: Vote): void {
    const proposal = this.#proposals.get(vote.ProposalID)
    if (proposal === undefined) {
      return this.#cluster.watch.violated("P2", `${this.id} votes on ${vote.ProposalID}, which it does not know`)
    }
    const target = proposalTarget(proposal)
    const up = vote.Agree === proposal.ProposedStatus
    this.#cluster.count("votes")
    this.#cluster.story.tell(
      this.#now,
      this.id,
      () => `votes: sees ${nameOf(target)} ${statusText(up)}${vote.Seq === undefined ? "" : ` (seq ${vote.Seq})`}`
    )
    this.#cluster.watch.voted(this.#by, vote, target, up)
  }

  #apply(effect: Extract<BallotEffect, { _tag: "Apply" }>): void {
    const cluster = this.#cluster
    const { decision } = effect
    const { proof, target, up } = decision
    const key = this.#cluster.watch.keys.of(target)
    if (!this.#known.has(key)) return
    // Who has just started has not heard of all others, where that is what counts.
    const isNew = cluster.plan.mode === "open" && this.#now - this.#startedAt < joinTime
    if (proof === undefined && isNew) cluster.watch.trusted(decision.id)
    else if (proof === undefined) {
      cluster.watch.applied(
        this.id,
        this.isMonitor,
        effect,
        cluster.voters(this),
        cluster.cutOf(this.id)
      )
    } else {
      if (proof.late) cluster.count("late decisions")
      cluster.watch.followed(this.#by, decision)
    }
    if (cluster.plan.fine && !up) cluster.watch.violated("P6", `${this.id} takes ${nameOf(target)} down, which is fine`)
    cluster.onApply(this, decision)
    this.#change(this.#table.apply(decision, this.wall))
  }

  #change(applied: ReturnType<OfficialTable["apply"]>): void {
    if (applied._tag === "Ignored") return
    this.#digestText = undefined
    this.#save()
    if (applied._tag === "Same") return
    const cluster = this.#cluster
    const { change } = applied
    const { after } = change
    cluster.count(after.up ? "changes to up" : "changes to down")
    cluster.story.tell(
      this.#now,
      this.id,
      () => `${nameOf(after.target)} is ${statusText(after.up)}${after.proof?.late === true ? " (late)" : ""}`
    )
    if (this.role === "IBPCollator") this.store.follow(changed(change), this.wall)
  }

  #save(): void {
    if (this.#isSaving) return
    this.#isSaving = true
    this.#later(savedWithin, () => {
      this.#isSaving = false
      this.#disk.official = [...this.#table.allEntries().values()]
      this.#disk.tail = []
    })
  }

  #tick(): void {
    this.handle({ _tag: "Tick" })
    const isBusy = this.#core.isSealed || this.#core.ballot.size().open > 0
    this.#later(isBusy ? tickTime : idleTickTime, () => this.#tick())
  }

  // Who is there

  #announce(times: number): void {
    this.#join()
    this.#later(times < 2 ? 500 : 90_000, () => this.#announce(times + 1))
  }

  #join(): void {
    this.#cluster.send(this.id, {
      subject: "join",
      info: {
        NodeID: this.id,
        PublicAddress: "",
        ListenAddress: "",
        ListenPort: "",
        NodeRole: this.role,
        LastHeard: this.wall,
        Boot: `${this.id}-${this.#life}`
      }
    })
  }

  // Catching up

  #digest(): string {
    return this.#digestText ??= this.#core.isSealed
      ? Array.from(this.#disk.certificates, ([key, { seq }]) => `${key}${seq}`).sort().join()
      : Array.from(this.#table.all(), ([key, { up }]) => `${key}${up}`).sort().join()
  }

  #ask(): void {
    this.#cluster.send(this.id, { subject: "ask", digest: this.#digest() })
  }

  #tell(): void {
    this.#cluster.send(this.id, { subject: "digest", digest: this.#digest() })
    this.#later(60_000 + this.#chance.next() * 30_000, () => this.#tell())
  }

  // Observing

  #propose(target: Target, up: boolean): void {
    this.handle({
      _tag: "Propose",
      id: `${this.id}-${this.#chance.hex()}`,
      target,
      up,
      error: up ? "" : "connection refused",
      data: null
    })
  }

  /** What we see, and once more if what we saw last speaks against the proposal, as `Consensus` does. */
  #look({ id, since, target, up }: Extract<BallotEffect, { _tag: "Observe" }>): void {
    let isOver = false
    const answer = (seen: Seen | undefined) => {
      if (isOver) return
      isOver = true
      this.#later(0, () =>
        this.handle({
          _tag: "Observed",
          id,
          up: seen?.up,
          ...seen === undefined ? {} : { observedAt: seen.at }
        }))
    }
    this.#later(lookTime, () => answer(undefined))
    const last = this.#eyes.last(target)
    const isOld = since !== undefined && last !== undefined && last.at < since
    this.#eyes.observe(target, isOld ? -1 : this.#cluster.freshFor, (seen) => {
      if (seen === undefined || seen.up === up) return answer(seen)
      this.#eyes.observe(target, 0, answer)
    })
  }
}
