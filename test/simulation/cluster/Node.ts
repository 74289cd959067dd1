import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Alerts } from "../../../src/alerts/Alerts.ts"
import type { BusMessage } from "../../../src/bus/Bus.ts"
import { Consensus, type ConsensusEvent } from "../../../src/consensus/Consensus.ts"
import { CertificateFile } from "../../../src/consensus/sealed/CertificateFile.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { RosterSource } from "../../../src/consensus/sealed/RosterSource.ts"
import type { OutageEvent } from "../../../src/domain/Outage.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import { proposalTarget, type Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import type { Decision, StatusChange } from "../../../src/status/Decision.ts"
import { OfficialStatus } from "../../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../../src/status/OutageLog.ts"
import type { DiskAfter } from "../plan/Plan.ts"
import { type AnyNode, epoch, type Role } from "../world/AnyNode.ts"
import type { By } from "../world/By.ts"
import type { Cluster } from "../world/Cluster.ts"
import type { Message } from "../world/Message.ts"
import { nameOf, statusText } from "../world/Story.ts"
import { Disk } from "./Disk.ts"
import type { Ground } from "./Ground.ts"
import { nodeLayer } from "./nodeLayer.ts"
import { Port } from "./Port.ts"
import { readMessage, sentMessage, somebody } from "./wire.ts"

/** Proposals that may be open where nobody floods: each monitor one a target, and each way, and those of strangers. */
const usual = 400

/** How often the sizes of a node are looked at, in milliseconds. */
const measureEvery = 5_000

/** Until a node that starts has heard of all others, in milliseconds. */
const joinTime = 1_500

/** One life of a node. */
interface Life {
  readonly number: number
  readonly startedAt: number
  readonly scope: Scope.Closeable
  readonly context: Context.Context<never>
  port?: Port
  building?: Fiber.Fiber<unknown, unknown>
  official?: OfficialStatus["Service"]
  certificates?: CertificateFile["Service"]
  rosters?: RosterSource["Service"]
  consensus?: Consensus["Service"]
  outages?: OutageLog["Service"]
  alerts?: Alerts["Service"]
}

/** A node of the real services, and what is told of it. */
export class Node implements AnyNode {
  readonly id: string
  readonly role: Role
  ahead = 0
  readonly misjudges = new Map<number, boolean>()
  readonly #ground: Ground
  readonly #disk = new Disk()
  #life: Life | undefined
  #lives = 0
  #isConnected = true

  constructor(ground: Ground, id: string, role: Role) {
    this.#ground = ground
    this.id = id
    this.role = role
  }

  get #cluster(): Cluster {
    return this.#ground.cluster
  }

  get isMonitor(): boolean {
    return this.role === "IBPMonitor"
  }

  get alive(): boolean {
    return this.#life !== undefined
  }

  /** What its clock says. */
  get wall(): number {
    return epoch + Math.floor(this.#cluster.agenda.now) + this.ahead
  }

  get isQuiet(): boolean {
    const consensus = this.#life?.consensus
    return consensus !== undefined && !this.isHolding && Effect.runSync(consensus.proposals).length === 0
  }

  get isHolding(): boolean {
    return this.#cluster.plan.targets.some((target) =>
      (this.#life?.certificates?.get(target)?.seq ?? 0) > (this.#official(target)?.proof?.seq ?? 0)
    )
  }

  /** The outages that are open, as the database has them. */
  readonly store: AnyNode["store"] = {
    outages: {
      get: (key) => {
        const open = this.#life?.outages?.open
        return open && Effect.runSync(open).find(({ target }) => targetKey(target) === key)
      }
    }
  }

  official(target: Target): boolean | undefined {
    return this.#official(target)?.up
  }

  #official(target: Target) {
    const official = this.#life?.official
    return official && Effect.runSync(official.get(target))
  }

  electorate(): ReadonlySet<string> {
    return this.#cluster.monitorsOf(this.#life?.rosters?.current() ?? this.#cluster.rosters)
  }

  start(): void {
    const number = ++this.#lives
    const ground = this.#ground
    const life: Life = {
      number,
      startedAt: this.#cluster.agenda.now,
      scope: Scope.makeUnsafe(),
      context: ground.context(`${this.id}#${number}`, () => this.wall)
    }
    this.#life = life
    const layer = Effect.gen({ self: this }, function*() {
      life.port = new Port({
        id: ground.portOf(this.id),
        isOnline: this.#isConnected,
        online: yield* SubscriptionRef.make(this.#isConnected),
        send: (message) => this.#send(life, message)
      })
      return nodeLayer(ground, {
        id: this.id,
        role: this.role,
        life: number,
        client: life.port.client,
        disk: this.#disk.files,
        sight: (target) => this.#cluster.sight(this, target),
        seen: (target, up) => ground.given(() => this.#cluster.watch.observed(this.id, target, up, this.wall)),
        official: (official) => this.#watchOfficial(life, official),
        certificates: (certificates) => this.#watchCertificates(life, certificates),
        rosters: (rosters) => {
          life.rosters = rosters
        }
      })
    })
    const program = Effect.flatMap(
      Layer.build(Layer.unwrap(layer)),
      (services) => this.#follow(life, services)
    )
    life.building = ground.machine.fork(life.context, Scope.provide(Effect.orDie(program), life.scope))
    this.#measure(life)
  }

  stop(disk: DiskAfter): void {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#disk.crash(disk)
    life.building?.interruptUnsafe()
    this.#ground.machine.fork(life.context, Scope.close(life.scope, Exit.void))
  }

  learn(rosters: Rosters): void {
    const [last, ...earlier] = rosters.all().toReversed()
    this.#do((life) => life.rosters?.offer({ ...last!, earlier: earlier.toReversed() }))
  }

  connected(connected: boolean): void {
    this.#isConnected = connected
    this.#do((life) => life.port?.setOnline(connected))
  }

  reconnected(): void {
    this.connected(false)
    this.connected(true)
  }

  receive(from: string, message: Message): void {
    const sent = sentMessage(message)
    if (sent === undefined) return
    this.#take([sent, ...from === somebody ? this.#ground.impostor?.beside(sent) ?? [] : []])
  }

  #take(messages: ReadonlyArray<BusMessage>): void {
    for (const message of messages) this.#life?.port?.receive(message)
    this.#ground.machine.settle()
  }

  #do(what: (life: Life) => Effect.Effect<void> | undefined): void {
    const life = this.#life
    const effect = life && what(life)
    if (life === undefined || effect === undefined) return
    this.#ground.machine.fork(life.context, effect)
  }

  #send(life: Life, sent: BusMessage): void {
    if (this.#life !== life) return
    const message = readMessage(sent)
    if (message.subject === "certificate") this.#cluster.count("told who is behind")
    const lie = this.#ground.impostor?.overhears(message, sent)
    if (lie !== undefined) this.#cluster.agenda.after(1, () => this.#take([lie]))
    if (message.subject !== "answer") return this.#cluster.send(this.id, message)
    const to = this.#ground.ownerOf(sent.subject)
    if (to !== undefined) this.#cluster.send(this.id, message, to)
  }

  /** Itself, for who watches. */
  #by(life: Life): By {
    const { current, minEpoch } = life.rosters?.current() ?? this.#cluster.rosters
    return { id: this.id, life: life.number, wall: this.wall, epoch: current.epoch, minEpoch }
  }

  #tell(text: () => string): void {
    this.#cluster.story.tell(this.#cluster.agenda.now, this.id, text)
  }

  /** Follows what the services of a life tell. */
  #follow = Effect.fnUntraced(function*(this: Node, life: Life, services: Context.Context<Consensus>) {
    const consensus = Context.get(services, Consensus)
    const events = yield* consensus.subscribe
    yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => this.#onEvent(life, event))))
    const all = services as Context.Context<Consensus | OutageLog | Alerts>
    if (this.role === "IBPCollator") {
      const outages = Context.get(all, OutageLog)
      life.alerts = Context.get(all, Alerts)
      const happened = yield* outages.subscribe
      yield* Effect.forkScoped(Stream.runForEach(happened, (event) => Effect.sync(() => this.#onOutage(life, event))))
      life.outages = outages
    }
    life.consensus = consensus
  }).bind(this)

  #watchOfficial(life: Life, official: OfficialStatus["Service"]): OfficialStatus["Service"] {
    life.official = official
    const changes = Effect.map((change: StatusChange | undefined) => {
      if (change !== undefined) this.#onChange(change)
      return change
    })
    return {
      ...official,
      apply: (decision) =>
        Effect.suspend(() => {
          this.#onApply(life, decision)
          return changes(official.apply(decision))
        }),
      restore: (decision, newest) => changes(official.restore(decision, newest)),
      resume: (decision) => changes(official.resume(decision))
    }
  }

  #watchCertificates(life: Life, certificates: CertificateFile["Service"]): CertificateFile["Service"] {
    life.certificates = certificates
    this.#cluster.watch.started(this.#by(life), certificates.all())
    return {
      ...certificates,
      add: (...some) =>
        Effect.suspend(() => {
          for (const certificate of some) this.#onCertificate(life, certificate)
          return certificates.add(...some)
        })
    }
  }

  #onCertificate(life: Life, certificate: Certificate): void {
    const { T, seq, votes } = certificate
    const cluster = this.#cluster
    cluster.count("certificates kept")
    this.#tell(() =>
      `keeps ${nameOf(T)} ${statusText(seq % 2 === 0)} (seq ${seq}, ${votes.map(({ voter }) => voter).join(" ")})`
    )
    const cut = cluster.cutOf(this.id)
    const by = this.#by(life)
    this.#ground.taken(() => cluster.watch.stepped(by, certificate, cut))
  }

  #onApply(life: Life, decision: Decision): void {
    const cluster = this.#cluster
    const { proof, target, up } = decision
    // Who has just started has not heard of all others, where that is what counts.
    const isNew = cluster.plan.mode === "open" && cluster.agenda.now - life.startedAt < joinTime
    if (proof === undefined && isNew) this.#ground.taken(() => cluster.watch.trusted(decision.id))
    else if (proof === undefined) {
      const cut = cluster.cutOf(this.id)
      const effect = { _tag: "Apply", decision, again: false, openFor: undefined } as const
      const voters = cluster.voters(this)
      this.#ground.taken(() => cluster.watch.applied(this.id, this.isMonitor, effect, voters, cut))
    } else {
      if (proof.late) cluster.count("late decisions")
      if ((life.certificates?.get(target)?.seq ?? 0) < proof.seq) {
        cluster.watch.violated("P1", `${this.id} follows seq ${proof.seq} of ${nameOf(target)} before it is kept`)
      }
      const by = this.#by(life)
      this.#ground.taken(() => cluster.watch.followed(by, decision))
    }
    if (cluster.plan.fine && !up) {
      cluster.watch.violated("P6", `${this.id} takes ${nameOf(target)} down, which is fine`)
    }
    cluster.onApply(this, decision)
  }

  #onChange({ after }: StatusChange): void {
    this.#cluster.count(after.up ? "changes to up" : "changes to down")
    this.#tell(() => `${nameOf(after.target)} is ${statusText(after.up)}${after.proof?.late === true ? " (late)" : ""}`)
  }

  #onEvent(life: Life, event: ConsensusEvent): void {
    switch (event._tag) {
      case "Proposed": {
        const { own, proposal } = event
        if (!own) return
        this.#cluster.count("proposals")
        const by = this.#by(life)
        this.#ground.given(() => this.#cluster.watch.proposed(by, proposal, proposalTarget(proposal)))
        return this.#tell(() =>
          `proposes ${nameOf(proposalTarget(proposal))} ${statusText(proposal.ProposedStatus)}${seqText(proposal)}`
        )
      }
      case "Voted": {
        const { own, proposal, vote } = event
        if (!own) return
        this.#cluster.count("votes")
        if (proposal === undefined) {
          return this.#cluster.watch.violated("P2", `${this.id} votes on ${vote.ProposalID}, which it does not know`)
        }
        const target = proposalTarget(proposal)
        const up = vote.Agree === proposal.ProposedStatus
        this.#tell(() => `votes: sees ${nameOf(target)} ${statusText(up)}${seqText(vote)}`)
        const by = this.#by(life)
        return this.#ground.given(() => this.#cluster.watch.voted(by, vote, target, up))
      }
      case "Rejected":
        this.#cluster.count("rejected")
        return this.#tell(() =>
          `closes ${nameOf(proposalTarget(event.proposal))} ${statusText(event.proposal.ProposedStatus)}: not passed`
        )
      case "Decided":
        return
    }
  }

  #onOutage(life: Life, { _tag, outage }: OutageEvent): void {
    this.#cluster.count(_tag === "Opened" ? "outages" : "outages that ended")
    this.#tell(() => `${_tag === "Opened" ? "opens" : "closes"} the outage ${outage.id} of ${nameOf(outage.target)}`)
    // Alerts take in the same event at the same moment.
    this.#ground.taken(() => {
      const threads = life.alerts === undefined ? [] : Effect.runSync(life.alerts.threads)
      const open = threads.filter((thread) =>
        thread.state === "open" && targetKey(thread.outage.target) === targetKey(outage.target)
      )
      if (open.length > 0) this.#cluster.count("alert threads")
      this.#cluster.watch.outage(this.id, _tag, outage, open.length)
    })
  }

  /** Nothing grows. */
  #measure(life: Life): void {
    const cluster = this.#cluster
    cluster.agenda.after(measureEvery, () => {
      if (this.#life !== life) return
      const { plan, watch } = cluster
      const proposals = life.consensus === undefined ? 0 : Effect.runSync(life.consensus.proposals).length
      if (!plan.small && proposals > usual) watch.violated("P7", `${this.id}: ${proposals} proposals are open`)
      const statuses = life.official === undefined ? 0 : Effect.runSync(life.official.all).size
      const certificates = life.certificates?.all().length ?? 0
      const most = plan.targets.length
      if (statuses > most) watch.violated("P7", `${this.id}: ${statuses} statuses for ${most} targets`)
      if (certificates > most) watch.violated("P7", `${this.id}: ${certificates} certificates for ${most} targets`)
      this.#measure(life)
    })
  }
}

const seqText = ({ Seq }: Pick<Vote, "Seq">): string => Seq === undefined ? "" : ` (seq ${Seq})`
