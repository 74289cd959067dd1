import { NodeTable } from "../../../src/cluster/NodeTable.ts"
import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../../src/consensus/BallotEvent.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { type Target, type TargetKey, targetKey } from "../../../src/domain/Target.ts"
import { type Proposal, proposalTarget, type Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { needOf, staleAfter } from "../../../src/monitor/proposing.ts"
import { QuietStart } from "../../../src/monitor/QuietStart.ts"
import { Timetable } from "../../../src/monitor/Timetable.ts"
import { debounce, type Debounced, undecided } from "../../../src/status/Debounce.ts"
import { clockTolerance, type OfficialEntry, OfficialTable } from "../../../src/status/OfficialTable.ts"
import { changed } from "../../../src/status/Transition.ts"
import type { Chance } from "./Chance.ts"
import type { Cluster } from "./Cluster.ts"
import { type Core, makeCore } from "./makeCore.ts"
import type { Message } from "./Message.ts"
import type { DiskAfter } from "./Plan.ts"
import { Store } from "./Store.ts"
import { nameOf, statusText } from "./Story.ts"

/** 8 o'clock on a day: times that are mixed up show. */
export const epoch = Date.parse("2026-04-21T08:00:00Z")

export type Role = "IBPMonitor" | "IBPDns" | "IBPCollator"

interface Disk {
  official: ReadonlyArray<OfficialEntry>
  readonly certificates: Map<TargetKey, Certificate>
  /** What the certificates replaced that were written last. */
  tail: ReadonlyArray<readonly [TargetKey, Certificate | undefined]>
}

interface Seen {
  readonly up: boolean
  /** By the clock of the node. */
  readonly at: number
  /** By a clock that is always right. */
  readonly taken: number
}

const emptyDisk = (): Disk => ({ official: [], certificates: new Map(), tail: [] })

/** Milliseconds, as in `Consensus`, `Prober`, `Snapshots` and `Membership`. */
const tickTime = 1_000
const idleTickTime = 10_000
const voteDeadline = 10_000
const lookTime = 25_000
const savedWithin = 1_000
const joinTime = 1_500

/**
 * A node around a pure core, as the shell does it: what is official, the disk, observations, who is there, and catching up. What
 * is lost when it stops is made anew at each start.
 */
export class Node {
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
  #states!: Map<TargetKey, Debounced>
  #last!: Map<TargetKey, Seen>
  #flights!: Map<TargetKey, Array<(seen: Seen) => void>>
  #timetable!: Timetable
  #quiet!: QuietStart
  #isChecking = false
  #wakesAt = Infinity
  #answered = false
  #askedAt!: Map<string, number>
  #isSaving = false
  #held = 0
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
    this.#known = new Set(plan.targets.map(targetKey))
    const judged = plan.targets.filter(({ ipv6 }) => !ipv6 || !plan.ipv4Only.includes(id))
    this.#planned = new Map(judged.map((target) => {
      const key = targetKey(target)
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

  /** Nothing is going on here. */
  get isQuiet(): boolean {
    return this.#held === 0 && this.#core.ballot.size().open === 0
  }

  /** The targets on which a proposal is open. */
  openTargets(): ReadonlySet<TargetKey> {
    return new Set(this.#core.ballot.proposals().map(({ proposal }) => targetKey(proposalTarget(proposal))))
  }

  official(target: Target): boolean | undefined {
    return this.#table.get(targetKey(target))?.up
  }

  officialId(target: Target): string | undefined {
    return this.#table.get(targetKey(target))?.id
  }

  /** Whether it knows more than it follows: late certificates wait. */
  get isHolding(): boolean {
    return this.#held > 0
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
    this.#core = makeCore(
      cluster.plan,
      this.id,
      this.isMonitor,
      this.#rosters,
      cluster.keyName(this.id)
    )
    this.#table = new OfficialTable({ capacity: 1_000 })
    this.#membership = new NodeTable({ id: this.id, role: this.role, boot: `${this.id}-${this.#life}` })
    this.#electorate = undefined
    this.#isIsolated = undefined
    this.#states = new Map()
    this.#last = new Map()
    this.#flights = new Map()
    this.#timetable = new Timetable(`${cluster.plan.seed} ${this.id}`)
    this.#quiet = new QuietStart()
    this.#isChecking = false
    this.#wakesAt = Infinity
    this.#answered = false
    this.#askedAt = new Map()
    this.#isSaving = false
    this.#held = 0
    this.#proposals = new Map()

    for (const entry of this.#disk.official) this.#table.restore(entry)
    if (this.role === "IBPCollator") this.store.bringInLine(this.#table, this.wall)
    cluster.watch.started(
      this.id,
      this.#life,
      new Map(Array.from(this.#disk.certificates, ([key, { seq }]) => [key, seq]))
    )
    for (const certificate of this.#disk.certificates.values()) this.handle({ _tag: "Restore", certificate })
    this.#tick()
    if (this.#usesMembership) this.#announce(0)
    this.#ask()
    if (this.isMonitor) {
      this.#later(1_000, () => this.#answered && this.#check())
      this.#later(2_000, () => this.#check())
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
    for (const effect of this.#core.ballot.handle(event, this.wall)) this.#perform(effect)
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
        return this.handle({ _tag: "Vote", vote: message.vote })
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
        return cluster.send(this.id, { subject: "propose", proposal: effect.proposal })
      case "PublishVote":
        this.#voted(effect.vote)
        return cluster.send(this.id, { subject: "vote", vote: effect.vote })
      case "PublishDecision":
        return cluster.send(this.id, { subject: "decision", message: effect.message })
      case "PublishCertificate":
        cluster.count("told who is behind")
        return cluster.send(this.id, { subject: "certificate", certificate: effect.certificate })
      case "Fetch": {
        cluster.count("fetched")
        const question = { subject: "fetch", target: effect.target, key: targetKey(effect.target) } as const
        return cluster.send(this.id, question, cluster.node(effect.from) === undefined ? undefined : effect.from)
      }
      case "Observe":
        return this.#look(effect)
      case "Persist": {
        const { certificate } = effect
        const key = targetKey(certificate.T)
        story.tell(
          this.#now,
          this.id,
          () =>
            `keeps ${nameOf(certificate.T)} ${statusText(certificate.seq % 2 === 0)} (seq ${certificate.seq}, ${
              certificate.votes.map(({ voter }) => voter).join(" ")
            })`
        )
        watch.stepped(this.id, this.#life, certificate, cluster.cutOf(this.id))
        this.#disk.tail = [...this.#disk.tail.slice(-2), [key, this.#disk.certificates.get(key)]]
        this.#disk.certificates.set(key, certificate)
        this.#answerLater()
        return
      }
      case "Apply":
        return this.#apply(effect)
      case "Proposed":
        this.#proposals.set(effect.proposal.ID, effect.proposal)
        if (effect.own) {
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
        return
      case "Abstained":
        return cluster.count("abstained")
      case "Foreign":
        return cluster.count("foreign")
      case "Rejected":
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
        return cluster.count(`dropped: ${effect.what} ${effect.reason}`)
    }
  }

  /** Keeps what waits to follow in mind. */
  #answerLater(): void {
    this.#held = this.#core.held()
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
    this.#cluster.watch.voted(this.id, vote, target, up)
  }

  #apply(effect: Extract<BallotEffect, { _tag: "Apply" }>): void {
    const cluster = this.#cluster
    const { decision } = effect
    const { proof, target, up } = decision
    if (!this.#known.has(targetKey(target))) return
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
      if (up !== (proof.seq % 2 === 0)) {
        cluster.watch.violated("P1", `${this.id} follows seq ${proof.seq} of ${nameOf(target)} as ${statusText(up)}`)
      }
      if (proof.late) cluster.count("late decisions")
      const disk = this.#disk.certificates.get(targetKey(target))
      if (disk === undefined || disk.seq < proof.seq) {
        cluster.watch.violated("P1", `${this.id} follows seq ${proof.seq} of ${nameOf(target)} before it is kept`)
      }
    }
    if (cluster.plan.fine && !up) cluster.watch.violated("P6", `${this.id} takes ${nameOf(target)} down, which is fine`)
    this.#answerLater()
    cluster.onApply(this, decision)
    this.#change(this.#table.apply(decision, this.wall))
  }

  #change(applied: ReturnType<OfficialTable["apply"]>): void {
    if (applied._tag === "Ignored") return
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
    this.#answerLater()
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
    return this.#core.isSealed
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

  #check(): void {
    if (this.#isChecking) return
    this.#isChecking = true
    for (const { check, key } of this.#planned.values()) this.#timetable.set(key, check.interval, this.#now)
    this.#drive()
  }

  #drive(): void {
    const now = this.#now
    for (let run = this.#timetable.take(now); run !== undefined; run = this.#timetable.take(now)) {
      const key = run.key as TargetKey
      if (!this.#flights.has(key)) this.#probe(key)
    }
    for (let key = this.#quiet.take(now); key !== undefined; key = this.#quiet.take(now)) {
      this.#onQuietOver(key as TargetKey)
    }
    this.#wakesAt = Infinity
    this.#hurry()
  }

  #hurry(): void {
    const at = Math.min(this.#timetable.nextDue() ?? Infinity, this.#quiet.next() ?? Infinity)
    if (at >= this.#wakesAt || at === Infinity) return
    this.#wakesAt = at
    this.#later(at - this.#now, () => {
      if (this.#wakesAt === at) this.#drive()
    })
  }

  #probe(key: TargetKey): void {
    const cluster = this.#cluster
    const planned = this.#planned.get(key)!
    this.#flights.set(key, [])
    const { slow, up } = cluster.sight(this, planned.target)
    if (!up) cluster.onFailingProbe(planned.target)
    const takes = up || !slow ? 20 + this.#chance.next() * 180 : planned.check.timeout
    this.#later(takes, () => {
      const seen = { up, at: this.wall, taken: this.#now }
      this.#last.set(key, seen)
      cluster.watch.observed(this.id, planned.target, up, seen.at)
      const waiting = this.#flights.get(key)!
      this.#flights.delete(key)
      for (const tell of waiting) tell(seen)
      this.#onObservation(planned, seen)
    })
  }

  #onObservation(planned: PlannedTarget, { at, up }: Seen): void {
    const { check, key } = planned
    const state = debounce(this.#states.get(key) ?? undecided, up, at, check)
    this.#states.set(key, state)
    if (up !== state.debounced) this.#timetable.recheck(key, this.#now + Math.round(check.interval / 10))
    const need = this.#need(planned)
    if (need === "first") this.#quiet.wait(key, up, check.interval, this.#now, this.#chance.next())
    else {
      this.#quiet.forget(key)
      if (need === "change") this.#propose(planned, up)
    }
    this.#hurry()
  }

  #need(planned: PlannedTarget): ReturnType<typeof needOf> {
    const seen = this.#last.get(planned.key)!
    if (this.wall - seen.at > staleAfter(planned)) return "nothing"
    return needOf(planned, this.#states.get(planned.key)!, this.#table.get(planned.key), this.wall)
  }

  #onQuietOver(key: TargetKey): void {
    const planned = this.#planned.get(key)!
    const seen = this.#last.get(key)
    if (seen === undefined || this.#need(planned) !== "first") return
    if (seen.up) this.#quiet.spend(this.#now)
    this.#propose(planned, seen.up)
  }

  #propose({ target }: PlannedTarget, up: boolean): void {
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
    const last = this.#last.get(targetKey(target))
    const isOld = since !== undefined && last !== undefined && last.at < since
    this.#observe(target, isOld ? -1 : this.#cluster.freshFor, (seen) => {
      if (seen === undefined || seen.up === up) return answer(seen)
      this.#observe(target, 0, answer)
    })
  }

  #observe(target: Target, freshFor: number, tell: (seen: Seen | undefined) => void): void {
    const planned = this.#planned.get(targetKey(target))
    if (planned === undefined || !this.#isChecking) return tell(undefined)
    const last = this.#last.get(planned.key)
    if (last !== undefined && this.#now - last.taken <= freshFor) return tell(last)
    let isOver = false
    const once = (seen: Seen | undefined) => {
      if (isOver) return
      isOver = true
      tell(seen)
    }
    if (!this.#flights.has(planned.key)) this.#probe(planned.key)
    this.#flights.get(planned.key)!.push(once)
    this.#later(voteDeadline, () => once(undefined))
  }
}
