import * as Result from "effect/Result"
import { electorateOf, type Roster, type RosterMember } from "../../../src/consensus/sealed/Roster.ts"
import { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import type { PlannedCheck } from "../../../src/monitor/PlannedTarget.ts"
import type { Decision } from "../../../src/status/Decision.ts"
import { Chance } from "../plan/Chance.ts"
import { type Incident, type Plan } from "../plan/Plan.ts"
import { Adversary } from "./Adversary.ts"
import { Agenda } from "./Agenda.ts"
import type { AnyNode, Role } from "./AnyNode.ts"
import { judgesOf } from "./judgesOf.ts"
import { majority } from "./majority.ts"
import type { Message } from "./Message.ts"
import { Network } from "./Network.ts"
import { describeIncident, nameOf, statusText, Story } from "./Story.ts"
import { type Violation, Watch } from "./Watch.ts"

/** How long after the faults everybody agrees, by the table of the specification; 2 intervals and 30 s, or one and 15 s. */
const agreesWithin = ({ interval, minimumStateTime, mode }: Plan): number =>
  (mode === "require" ? interval + 15_000 : 2 * interval + 30_000) + minimumStateTime

/** A node that was not disconnected learns what it missed from the digests that all tell every 60 to 90 s. */
const toldWithin = 95_000

/** A late certificate is followed after this: a node that had to learn one needs so much longer. */
const holdTime = 41_000

/** The network by which the simulated cluster is known. */
const clusterName = "simulated"

/** What a run was. */
export interface Outcome {
  readonly violations: ReadonlyArray<Violation>
  readonly counts: ReadonlyMap<string, number>
  readonly story: ReadonlyArray<string>
  /** Events that were handled. */
  readonly steps: number
  /** For outages: milliseconds from the first failing probe to each follower's change. */
  readonly latencies: ReadonlyArray<number>
}

/** A whole cluster of what `makeNode` makes, and what befalls it. Deterministic: the same plan gives the same run. */
export class Cluster {
  readonly plan: Plan
  readonly agenda = new Agenda()
  readonly watch: Watch
  readonly story: Story
  readonly network: Network
  readonly check: PlannedCheck
  /** A vote is given from an observation at most this old, in milliseconds. */
  readonly freshFor: number
  readonly nodes: ReadonlyMap<string, AnyNode>
  /** The rosters that operators gave out last. */
  rosters: Rosters
  readonly #counts = new Map<string, number>()
  readonly #truth = new Map<TargetKey, { up: boolean; slow: boolean }>()
  readonly #index = new Map<TargetKey, number>()
  readonly #chance: Chance
  readonly #adversary: Adversary
  readonly #electorates = new Map<Rosters, ReadonlySet<string>>()
  readonly #keyNames = new Map<string, string>()
  /** Targets with proposals that were asked, or voted on, with what was seen before the faults were over. */
  #cutAt: number | undefined
  #failingSince: number | undefined
  readonly #latencies: Array<number> = []

  constructor(
    plan: Plan,
    isTold: boolean,
    makeNode: (cluster: Cluster, id: string, role: Role) => AnyNode
  ) {
    this.plan = plan
    this.#chance = new Chance(plan.seed ^ 0x5eed)
    this.story = new Story(isTold)
    this.watch = new Watch(plan, () => this.agenda.now)
    this.network = new Network({
      agenda: this.agenda,
      chance: new Chance(plan.seed ^ 0x2e7),
      deliver: (to, from, message) => {
        const node = this.nodes.get(to)
        if (node?.alive === true) node.receive(from, message)
      }
    })
    this.freshFor = Math.min(plan.interval, 10_000)
    this.check = {
      name: "ping",
      type: "site",
      probe: "ping",
      run: undefined as never,
      identity: "",
      interval: plan.interval,
      timeout: plan.deadline,
      failAfter: plan.failAfter,
      recoverAfter: plan.recoverAfter,
      minimumStateTime: plan.minimumStateTime
    }
    this.watch.healAt = plan.healAt
    this.rosters = this.#firstRosters()
    this.watch.rosters.set(1, this.rosters.current)
    for (const [i, target] of plan.targets.entries()) {
      this.#truth.set(this.watch.keys.of(target), { up: true, slow: false })
      this.#index.set(this.watch.keys.of(target), i)
    }
    this.#adversary = new Adversary(this)
    const all = [...plan.monitors, ...plan.spare === undefined ? [] : [plan.spare]]
    this.nodes = new Map([
      ...all.map((id) => [id, makeNode(this, id, "IBPMonitor")] as const),
      ...plan.followers.map((id) => [id, makeNode(this, id, id.startsWith("d") ? "IBPDns" : "IBPCollator")] as const)
    ])
  }

  /** Plays the plan to its end, or to what must not be. */
  run(): Outcome {
    const { agenda, plan, watch } = this
    let steps = 0
    for (const node of this.nodes.values()) agenda.at(this.#chance.next() * 200, () => node.start())
    for (const incident of plan.incidents) agenda.at(incident.at, () => this.#begin(incident))
    // When all that lasts until then is over.
    agenda.at(plan.healAt + 1, () => this.#heal())
    const agreed = plan.healAt + agreesWithin(plan)
    const checks: ReadonlyArray<readonly [at: number, look: () => void]> = [
      // Who agrees early has nothing more to say.
      ...[...Array(Math.floor((agreed - plan.healAt) / 2_000)).keys()].map((i) =>
        [plan.healAt + 2_000 * (i + 1), () => {}] as const
      ),
      [agreed, () => this.#agree((node) => this.#takesPart(node) || plan.reconnects, true)],
      [agreed + holdTime, () => this.#agree((node) => this.#takesPart(node) || plan.reconnects, false)],
      ...plan.reconnects
        ? []
        : [[agreed + toldWithin + holdTime, () => this.#agree(() => true, false)] as const]
    ]
    for (const [until, look] of checks) {
      while (watch.violations.length === 0 && agenda.step(until)) steps++
      if (watch.violations.length > 0) break
      look()
      if (this.#isOver()) break
    }
    for (const violation of watch.violations) {
      this.story.tell(violation.at, violation.property, () => violation.text)
    }
    for (const [what, count] of Object.entries(this.network.traffic)) this.count(`messages: ${what}`, count)
    if (watch.withStolenVotes > 0) this.count("certificates with stolen votes", watch.withStolenVotes)
    if (watch.withFewVotes > 0) this.count("outages with few votes", watch.withFewVotes)
    return {
      violations: watch.violations,
      counts: this.#counts,
      story: this.story.lines,
      steps,
      latencies: this.#latencies
    }
  }

  node(id: string): AnyNode | undefined {
    return this.nodes.get(id)
  }

  chanceOf(id: string): Chance {
    let seed = this.plan.seed
    for (let i = 0; i < id.length; i++) seed = Math.imul(seed, 31) + id.charCodeAt(i)
    return new Chance(seed)
  }

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by)
  }

  /** To one node, or to all others. */
  send(from: string, message: Message, to?: string): void {
    const isHeldBack = this.#adversary.sees(from, message)
    if (isHeldBack) return
    if (to !== undefined) return this.network.send(from, to, message)
    for (const id of this.nodes.keys()) if (id !== from) this.network.send(from, id, message)
  }

  /** What a monitor would see now. */
  sight(node: AnyNode, target: Target): { readonly up: boolean; readonly slow: boolean } {
    const key = this.watch.keys.of(target)
    const misjudged = node.misjudges.get(this.#index.get(key)!)
    return misjudged === undefined ? this.#truth.get(key)! : { up: misjudged, slow: false }
  }

  /** The monitors of the current roster. The same set for the same rosters. */
  monitorsOf(rosters: Rosters): ReadonlySet<string> {
    const known = this.#electorates.get(rosters)
    if (known !== undefined) return known
    const made = new Set(electorateOf(rosters.current, { ipv6: false }).map(({ id }) => id))
    this.#electorates.set(rosters, made)
    return made
  }

  /** Who truly may vote, as far as a node can know: by its roster, or all monitors that there are. */
  voters(node: AnyNode): ReadonlyArray<string> {
    return this.plan.mode === "open" ? this.plan.monitors : [...node.electorate()]
  }

  /** The name of the key that a member has now. */
  keyName(id: string): string {
    return this.#keyNames.get(id) ?? id
  }

  /** Who a node can talk to, while there is a partition. */
  cutOf(id: string): { readonly side: ReadonlyArray<string>; readonly at: number } | undefined {
    const [partition] = this.network.partitions()
    if (partition === undefined || this.#cutAt === undefined) return undefined
    const isInside = partition.side.includes(id)
    return {
      side: [...this.nodes.keys()].filter((node) => partition.side.includes(node) === isInside),
      at: this.#cutAt
    }
  }

  onApply(node: AnyNode, { target, up }: Decision): void {
    if (up || node.isMonitor || this.#failingSince === undefined || node.official(target) === false) return
    this.#latencies.push(this.agenda.now - this.#failingSince)
  }

  onFailingProbe(_target: Target): void {
    this.#failingSince ??= this.agenda.now
  }

  #firstRosters(): Rosters {
    const { followers, ipv4Only, monitors } = this.plan
    const first: Roster = {
      cluster: clusterName,
      epoch: 1,
      minEpoch: 1,
      members: [
        ...monitors.map((id) => member(id, ipv4Only)),
        ...followers.map((id): RosterMember => ({
          id,
          key: cheapSigner(id).publicKey,
          role: id.startsWith("d") ? "IBPDns" : "IBPCollator",
          ipv6: false
        }))
      ]
    }
    return Result.getOrThrow(Rosters.from([first], { simulated: true }))
  }

  #begin(incident: Incident): void {
    const { agenda } = this
    this.count(incident.kind)
    this.story.tell(agenda.now, "", () => describeIncident(incident))
    switch (incident.kind) {
      case "loss":
      case "delay":
      case "reorder":
      case "duplicate":
      case "deaf":
        this.network.begin(incident)
        return agenda.at(incident.until, () => this.network.end(incident))
      case "partition": {
        this.network.begin(incident)
        this.#cutAt = agenda.now
        const { monitors } = this.plan
        const inside = monitors.filter((id) => incident.side.includes(id)).length
        if (inside > 0 && inside < monitors.length) this.count("partitions between monitors")
        const alone = [incident.side, [...this.nodes.keys()].filter((id) => !incident.side.includes(id))]
          .filter((side) => side.length === 1)
          .flat()
        for (const id of alone) this.#connected(id, false)
        return agenda.at(incident.until, () => {
          this.network.end(incident)
          for (const id of alone) this.#connected(id, true)
        })
      }
      case "crash": {
        const node = this.nodes.get(incident.node)
        if (node?.alive !== true) return
        this.count(`crash: disk ${incident.disk}`)
        node.stop(incident.disk)
        return agenda.at(incident.until, () => {
          if (node.alive) return
          this.story.tell(agenda.now, node.id, () => "starts again")
          node.start()
        })
      }
      case "clock": {
        const node = this.nodes.get(incident.node)
        if (node === undefined) return
        this.watch.jumped(node.id)
        node.ahead += incident.by
        return agenda.at(incident.until, () => {
          node.ahead -= incident.by
        })
      }
      case "turn": {
        const target = this.plan.targets[incident.target]
        if (target === undefined) return
        const { slow, up } = incident
        this.#truth.set(this.watch.keys.of(target), { up, slow })
        return
      }
      case "misjudge": {
        const node = this.nodes.get(incident.node)
        if (node === undefined) return
        node.misjudges.set(incident.target, incident.sees)
        return agenda.at(incident.until, () => node.misjudges.delete(incident.target))
      }
      case "roster":
        return this.#changeRoster(incident)
      case "forge":
        return this.#adversary.forge(incident.what, new Chance(incident.salt))
      case "strangers":
        return this.#adversary.strangers(new Chance(incident.salt))
      case "flood":
        return this.#adversary.flood(incident.count, new Chance(incident.salt))
      case "withhold":
        this.#adversary.withhold(true)
        agenda.at(incident.until, () => this.#adversary.withhold(false))
        return agenda.at(incident.release, () => this.#adversary.release())
    }
  }

  #connected(id: string, isConnected: boolean): void {
    this.watch.connected(id, isConnected)
    this.nodes.get(id)?.connected(isConnected)
  }

  #changeRoster({ change, member: id }: Extract<Incident, { kind: "roster" }>): void {
    const { current } = this.rosters
    const members = change === "add"
      ? [...current.members.filter((one) => one.id !== id), member(id, this.plan.ipv4Only)]
      : change === "remove"
      ? current.members.filter((one) => one.id !== id)
      : current.members.map((one) =>
        one.id === id ? { ...one, key: cheapSigner(`${id}#${current.epoch + 1}`).publicKey } : one
      )
    const epoch = current.epoch + 1
    const next = this.rosters.add({
      ...current,
      epoch,
      members,
      minEpoch: change === "rekey" ? epoch : current.minEpoch
    })
    if (Result.isFailure(next)) return
    this.count(`roster: ${change}`)
    this.rosters = next.success
    this.watch.rosters.set(epoch, next.success.current)
    for (const node of this.nodes.values()) {
      this.agenda.after(this.#chance.next() * 3_000, () => node.learn(next.success))
    }
    if (change !== "rekey") return
    // A new key is read at the start.
    this.#keyNames.set(id, `${id}#${epoch}`)
    const node = this.nodes.get(id)
    if (node?.alive !== true) return
    node.stop("kept")
    this.agenda.after(1_000, () => {
      if (!node.alive) node.start()
    })
  }

  #heal(): void {
    this.story.tell(this.agenda.now, "", () => "all faults are over")
    if (this.plan.reconnects) { for (const node of this.nodes.values()) node.reconnected() }
  }

  /** Everybody holds for official what is true, and nothing is open: from here on nothing happens. */
  #isOver(): boolean {
    for (const node of this.nodes.values()) {
      if (!node.alive || !node.isQuiet) return false
      for (const target of this.plan.targets) {
        if (node.official(target) !== this.#truth.get(this.watch.keys.of(target))!.up) return false
        if (
          node.role === "IBPCollator" &&
          (node.store.outages.get(this.watch.keys.of(target)) === undefined) !== node.official(target)
        ) {
          return false
        }
      }
    }
    return true
  }

  /** Who does not vote hears others only by their digests. */
  #takesPart({ id, isMonitor }: AnyNode): boolean {
    return isMonitor && (this.plan.mode === "open" || this.rosters.current.members.some((member) => member.id === id))
  }

  /** Whether there is nothing to agree on: fewer than a majority can see what is true, or follow the register of those who can. */
  #isOpen(target: Target): boolean {
    const live = [...this.nodes.values()].filter(({ alive }) => alive)
    const index = this.#index.get(this.watch.keys.of(target))!
    const seeing = new Set(live.filter(({ misjudges }) => !misjudges.has(index)).map(({ id }) => id))
    const { current } = this.rosters
    const judges = this.plan.mode === "open" ? this.plan.monitors : judgesOf(current, target)
    // What minEpoch took away before most heard of it is mended by hand, as docs/consensus.md says.
    return judges.filter((id) => seeing.has(id)).length < majority(judges.length) ||
      this.watch.isStranded(target, current, live.map(({ id }) => id), seeing)
  }

  /** Whether those nodes hold for official what most monitors see. `mayHold`: late certificates may still wait. */
  #agree(whom: (node: AnyNode) => boolean, mayHold: boolean): void {
    if (this.plan.small) return
    for (const node of this.nodes.values()) {
      if (!node.alive || !whom(node) || (mayHold && node.isHolding)) continue
      for (const target of this.plan.targets) {
        if (this.#isOpen(target)) continue
        const { up } = this.#truth.get(this.watch.keys.of(target))!
        const official = node.official(target)
        // Who lost its disk and missed the answers to its questions waits quietly for others before it proposes.
        if (mayHold && !this.plan.reconnects && official === undefined) continue
        if (official !== up) {
          this.watch.violated(
            "P4",
            `${node.id} holds ${nameOf(target)} for ${statusText(official)}, and it is ${statusText(up)}`
          )
        }
        if (mayHold || node.role !== "IBPCollator") continue
        const open = node.store.outages.get(this.watch.keys.of(target))
        if ((open !== undefined) !== !up) {
          this.watch.violated(
            "P5",
            `${node.id} has ${open === undefined ? "no open outage" : "an open outage"} of ${
              nameOf(target)
            }, which is ${statusText(up)}`
          )
        }
      }
    }
  }
}

const member = (id: string, ipv4Only: ReadonlyArray<string>): RosterMember => ({
  id,
  key: cheapSigner(id).publicKey,
  role: "IBPMonitor",
  ipv6: !ipv4Only.includes(id)
})
