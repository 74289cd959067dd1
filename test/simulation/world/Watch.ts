import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import { cheapPublicKey } from "../../../src/consensus/sealed/cheapKey.ts"
import type { Roster } from "../../../src/consensus/sealed/Roster.ts"
import type { Outage } from "../../../src/domain/Outage.ts"
import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import type { FinalizeMessage, Proposal, Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { wireTimeMillis } from "../../../src/domain/wire/WireTime.ts"
import type { Decision } from "../../../src/status/Decision.ts"
import { type Mode, promised, type Property } from "../plan/Mode.ts"
import type { Plan } from "../plan/Plan.ts"
import type { By } from "./By.ts"
import { judgesOf } from "./judgesOf.ts"
import { majority } from "./majority.ts"
import { certificateProblem, isNext, type Register, registerOf } from "./Register.ts"
import { nameOf, statusText } from "./Story.ts"
import { TargetKeys } from "./TargetKeys.ts"

/** A property that does not hold, and where. */
export interface Violation {
  readonly property: Property
  readonly at: number
  readonly text: string
}

interface Seen {
  readonly at: number
  readonly wall: number
  readonly up: boolean
}

interface Given {
  readonly at: number
  /** When what it says was seen, at the earliest. */
  readonly seenAt: number
}

/** The longest from an observation to the vote that it is given for: it is fresh for 10 s, and looking takes up to 25 s. */
const lookTime = 36_000

/** Where certificates decide, what is said is never older: 10 s, and a moment. */
const freshTime = 10_500

/** Late certificates are followed after so long. */
const holdTime = 30_000

/**
 * What truly happened, told by everybody in the simulation, and what may not be. It knows nothing of how nodes decide: it counts
 * for itself.
 */
export class Watch {
  readonly violations: Array<Violation> = []
  /** When all faults are over. */
  healAt = Infinity
  /** Certificates in which votes with stolen keys counted. */
  withStolenVotes = 0
  /**
   * Outages that do not show the votes of a majority for the decision that they name. After restarts and losses that happens without
   * certificates: who starts again does not believe others what it voted, and who catches up is told the votes of one decision.
   */
  withFewVotes = 0
  /** Of all targets, for whoever looks on. */
  readonly keys = new TargetKeys()
  readonly #mode: Mode
  readonly #minimumTime: number
  readonly #known: ReadonlySet<TargetKey>
  readonly #now: () => number
  readonly #stolen: ReadonlySet<string>
  /** Rosters by epoch, as they were given out. */
  readonly rosters = new Map<number, Roster>()
  readonly #seen = new Map<string, Array<Seen>>()
  /** Votes that members truly gave, by what they signed, or by proposal. */
  readonly #given = new Map<string, Given>()
  /** Who ever voted what on a target. */
  readonly #voted = new Set<string>()
  /** What decisions stand for. */
  readonly #meaning = new Map<string, string>()
  /** Decisions that a monitor truly made of votes. */
  readonly #made = new Set<string>()
  readonly #registers = new Map<string, Register>()
  /** Who has no connection to the bus. */
  readonly #disconnected = new Set<string>()
  /** Whose clock jumped: what it says of time is not judged from then on. */
  readonly #jumped = new Set<string>()
  readonly #lives = new Map<string, number>()
  readonly #certified = new Set<string>()

  constructor(
    { minimumStateTime, mode, stolen, targets }: Pick<Plan, "minimumStateTime" | "mode" | "stolen" | "targets">,
    now: () => number
  ) {
    this.#mode = mode
    this.#minimumTime = minimumStateTime
    this.#known = new Set(targets.map((target) => this.keys.of(target)))
    this.#now = now
    this.#stolen = new Set(stolen)
  }

  violated(property: Property, text: string): void {
    if (promised[property][this.#mode]) this.violations.push({ property, at: this.#now(), text })
  }

  /** A node lost its connection to the bus, or has it again. */
  connected(node: string, isConnected: boolean): void {
    if (isConnected) this.#disconnected.delete(node)
    else this.#disconnected.add(node)
  }

  /** The clock of a node jumped. */
  jumped(node: string): void {
    this.#jumped.add(node)
  }

  /** Whether the clock of a node ever jumped. */
  hasJumped(node: string): boolean {
    return this.#jumped.has(node)
  }

  /** A monitor looked. */
  observed(node: string, target: Target, up: boolean, wall: number): void {
    const key = `${node} ${this.keys.of(target)}`
    const seen = this.#seen.get(key)
    const one = { at: this.#now(), wall, up }
    if (seen === undefined) this.#seen.set(key, [one])
    else seen.push(one)
  }

  /** A monitor proposes, of its own accord. */
  proposed(by: By, { ProposedStatus: up, Seq: seq }: Proposal, target: Target): void {
    const last = this.#seen.get(`${by.id} ${this.keys.of(target)}`)?.at(-1)
    // What counts no more is asked for again, as it stands.
    const isAgain = seq !== undefined && seq !== 0 && seq === this.#register(by, target)?.seq
    const problem = isAgain || last?.up === up ? this.#conduct(by, target, seq ?? 0) : "which it did not see last"
    if (problem === undefined) return
    this.violated("P2", `${by.id} proposes that ${nameOf(target)} is ${statusText(up)} (seq ${seq}) ${problem}`)
  }

  /** A monitor votes, of its own accord, or says its vote again. `up`: what it says that it sees. */
  voted(by: By, vote: Vote, target: Target, up: boolean): void {
    const now = this.#now()
    const node = by.id
    const key = this.keys.of(target)
    this.#voted.add(`${node} ${key} ${up}`)
    const { Seal: seal, Seq: seq = 0 } = vote
    const problem = seal !== undefined && seal.epoch !== by.epoch
      ? `in the epoch ${seal.epoch}, and the roster that it took is of ${by.epoch}`
      : this.#conduct(by, target, seq)
    if (problem !== undefined) {
      this.violated("P2", `${node} votes that ${nameOf(target)} is ${statusText(up)} (seq ${seq}) ${problem}`)
    }
    const signed = seal === undefined || seq === 0
      ? `${node} ${vote.ProposalID} ${vote.Agree}`
      : signedKey(seal.epoch, node, key, seq, up, seal.observedAt)
    const isAgain = this.#given.has(signed)
    // v2 nodes are told the same for as long as it is open.
    if (isAgain && (seq === 0 || this.#mode !== "require")) return
    const claimed = seal === undefined || seq === 0 ? undefined : wireTimeMillis(seal.observedAt)
    const fresh = claimed === undefined || this.#mode !== "require" || this.#jumped.has(node) ? lookTime : freshTime
    const truly = (this.#seen.get(`${node} ${key}`) ?? []).filter((one) =>
      one.up === up && now - one.at <= fresh && (claimed === undefined || one.wall === claimed)
    )
    const last = truly.at(-1)
    if (last === undefined) {
      this.violated("P2", `${node} votes that ${nameOf(target)} is ${statusText(up)} without having seen that just now`)
    }
    const since = seq === 0 ? undefined : this.#register(by, target)
    if (last !== undefined && since !== undefined && last.at < since.at - 1 && !this.#jumped.has(node)) {
      this.violated(
        "P2",
        `${node} votes that ${nameOf(target)} is ${statusText(up)} (seq ${seq}) from before it took seq ${since.seq}`
      )
    }
    if (!isAgain) this.#given.set(signed, { at: now, seenAt: Math.min(now, ...truly.map(({ at }) => at)) })
  }

  /** Why a node may not judge a target for a step, if that is so. */
  #conduct(by: By, target: Target, seq: number): string | undefined {
    if (!this.#known.has(this.keys.of(target))) return "which it does not know"
    if (this.#mode !== "require") return undefined
    if (this.#disconnected.has(by.id)) return "while it is isolated"
    if (!judgesOf(this.rosters.get(by.epoch), target).includes(by.id)) {
      return `which the roster of the epoch ${by.epoch} does not let it judge`
    }
    const register = this.#register(by, target)
    if (register?.isInOrder === true && Math.abs(by.wall - register.newest) < this.#minimumTime) {
      return `${by.wall - register.newest} ms after that was decided`
    }
    return seq === 0 ? undefined : this.#stepProblem(by, target, seq)
  }

  #stepProblem(by: By, target: Target, seq: number): string | undefined {
    const register = this.#register(by, target)
    const from = register?.seq ?? 0
    // What nobody can show any more is decided once more.
    const isAgain = seq === from && register !== undefined && this.#isRetired(register, by)
    return isNext(from, seq) || isAgain ? undefined : `which is not the step after its seq ${from}`
  }

  /** A node says again what it proposed. */
  republished({ id }: By, { ID }: Proposal): void {
    if (this.#mode === "require" && this.#disconnected.has(id)) {
      this.violated("P2", `${id} proposes ${ID} again while it is isolated`)
    }
  }

  #register({ id, life }: Pick<By, "id" | "life">, target: Target): Register | undefined {
    return this.#registers.get(`${id} ${life} ${this.keys.of(target)}`)
  }

  /** Whether a register stands on what counts no more for its node. */
  #isRetired({ epoch }: Register, { minEpoch }: By): boolean {
    return epoch < minEpoch
  }

  /** Where the register of a target stands. */
  seq(by: Pick<By, "id" | "life">, target: Target): number {
    return this.#register(by, target)?.seq ?? 0
  }

  /** Whether a vote that a member gave is good, and for a step further than a node can vote on. */
  isFurther(by: By, { NodeID: voter, Seal: seal, Seq: seq = 0 }: Vote, target: Target): boolean {
    const from = this.seq(by, target)
    return seq > from && !isNext(from, seq) && seal?.epoch === by.epoch
      && Math.abs(Date.parse(seal.observedAt) - by.wall) <= 60_000
      && judgesOf(this.rosters.get(by.epoch), target).includes(voter)
  }

  /** A node takes a vote for evidence. */
  counted(by: By, vote: Vote, target: Target): void {
    const { NodeID: voter, Seal: seal, Seq: seq } = vote
    if (seal === undefined || seq === undefined || seq === 0) return
    const skew = Math.abs(Date.parse(seal.observedAt) - by.wall)
    const problem = seal.epoch !== by.epoch
      ? `of the epoch ${seal.epoch}, while it is in ${by.epoch}`
      : skew > 60_000
      ? `that is ${skew / 1_000} s from its clock`
      : !judgesOf(this.rosters.get(by.epoch), target).includes(voter)
      ? "that may not judge it"
      : this.#stepProblem(by, target, seq)
    if (problem !== undefined) {
      this.violated("P2", `${by.id} counts a vote of ${voter} on ${nameOf(target)} (seq ${seq}) ${problem}`)
    }
  }

  /** The members that saw the target down in a time. */
  #whoSawDown(members: ReadonlyArray<string>, target: Target, from: number, to: number): ReadonlyArray<string> {
    const key = this.keys.of(target)
    return members.filter((member) =>
      this.#seen.get(`${member} ${key}`)?.some(({ at, up }) => !up && at >= from && at <= to) === true
    )
  }

  /**
   * A node follows a decision without proof. `electorate`: who may vote, by the roster of the node or because there are no
   * others. `side`: who it can talk to since `cutAt`, while there is a partition.
   */
  applied(
    node: string,
    isMonitor: boolean,
    { decision }: Extract<BallotEffect, { _tag: "Apply" }>,
    electorate: ReadonlyArray<string>,
    cut: { readonly side: ReadonlyArray<string>; readonly at: number } | undefined
  ): void {
    const { decidedBy, id, target, up, votes } = decision
    const means = `${this.keys.of(target)} ${up}`
    const known = this.#meaning.get(id)
    if (known === undefined) this.#meaning.set(id, means)
    else if (known !== means) this.violated("P1", `${node} holds ${id} for ${nameOf(target)} ${statusText(up)}`)

    const isOwn = isMonitor && decidedBy === node
    if (!isOwn) {
      if (!this.#made.has(id)) {
        this.violated("P2", `${node} follows ${id} (${nameOf(target)} ${statusText(up)}), which nobody decided`)
      }
      return
    }
    const yes = electorate.filter((member) => votes[member] === true)
    const given = yes.flatMap((member) => {
      const one = this.#given.get(`${member} ${id} true`)
      return one === undefined ? [] : [{ member, ...one }]
    })
    const needed = majority(electorate.length)
    if (given.length < needed) {
      this.violated(
        "P2",
        `${node} decides ${nameOf(target)} ${statusText(up)} with ${given.length} true votes of ${electorate.length}: ${
          given.map(({ member }) => member).join(", ")
        }`
      )
    }
    this.#made.add(id)
    if (cut !== undefined && cut.side.filter((member) => electorate.includes(member)).length < needed) {
      const since = given.filter(({ at }) => at >= cut.at)
      if (since.length === given.length) {
        this.violated("P3", `${node} decides ${nameOf(target)} ${statusText(up)} on the minority side`)
      }
    }
    if (up) return
    const from = Math.min(this.#now(), ...given.map(({ seenAt }) => seenAt))
    if (this.#whoSawDown(electorate, target, from, this.#now()).length < needed) {
      this.violated("P6", `${node} takes ${nameOf(target)} down, which a majority reached`)
    }
  }

  /** A node decides of whom it has heard so far, which nobody promises anything about. */
  trusted(id: string): void {
    this.#made.add(id)
  }

  /** A node takes a step because of a certificate, and of the message that it came with, if it came with one. */
  stepped(
    by: By,
    certificate: Certificate,
    cut: { readonly side: ReadonlyArray<string>; readonly at: number } | undefined,
    message?: FinalizeMessage
  ): void {
    const { T: target, epoch, seq, votes } = certificate
    const node = by.id
    const key = this.keys.of(target)
    const up = seq % 2 === 0
    const what = `${nameOf(target)} ${statusText(up)} (seq ${seq})`
    const before = this.#register(by, target)
    const isAgain = before !== undefined && before.seq === seq && this.#isRetired(before, by)
    if (before !== undefined && seq <= before.seq && !isAgain) {
      this.violated("P1", `the register of ${node} goes from ${before.seq} to ${what}`)
    }
    this.#registers.set(
      `${node} ${by.life} ${key}`,
      isAgain
        ? { ...before, epoch }
        : registerOf(certificate, { at: this.#now(), wall: by.wall, before, isKept: false })
    )
    const lacks = certificateProblem(certificate, {
      by,
      message,
      rosters: this.rosters,
      isTrue: (voter, observedAt) =>
        this.#given.has(signedKey(epoch, voter, key, seq, up, observedAt)) || this.#isStolen(voter, epoch)
    })
    if (lacks !== undefined) this.violated("P2", `${node} takes ${what} by a certificate ${lacks}`)

    const text = votes.reduce(
      (text, { observedAt, voter }) => `${text} ${voter} ${observedAt}`,
      `${epoch} ${seq} ${key}`
    )
    if (this.#certified.has(text)) return
    this.#certified.add(text)
    const electorate = judgesOf(this.rosters.get(epoch), target)
    const needed = majority(electorate.length)
    const voters = new Set<string>()
    const honest: Array<Given & { readonly member: string }> = []
    for (const { observedAt, voter } of votes) {
      if (voters.has(voter) || !electorate.includes(voter)) continue
      const given = this.#given.get(signedKey(epoch, voter, key, seq, up, observedAt))
      if (given !== undefined) honest.push({ member: voter, ...given })
      if (given !== undefined || this.#isStolen(voter, epoch)) voters.add(voter)
    }
    if (cut !== undefined) {
      const able = electorate.filter((member) => cut.side.includes(member) || this.#isStolen(member, epoch))
      // Who carries votes over the cut makes it none.
      if (able.length < needed && [...voters].every((voter) => able.includes(voter))) {
        this.violated("P3", `${node} takes ${what} on the minority side`)
      }
    }
    if (voters.size < needed) {
      this.violated(
        "P2",
        `${node} takes ${what} with the true votes of ${
          honest.map(({ member }) => member).join(", ")
        } alone, of ${electorate.length} members in epoch ${epoch}`
      )
      return
    }
    const traitors = voters.size - honest.length
    if (traitors > 0) this.withStolenVotes++
    if (up) return
    const from = Math.min(this.#now(), ...honest.map(({ seenAt }) => seenAt))
    const to = Math.max(...honest.map(({ at }) => at))
    if (this.#whoSawDown(electorate, target, from, to).length < needed - traitors) {
      this.violated("P6", `${node} takes ${what}, which a majority reached`)
    }
  }

  /** A node follows a step that it took. */
  followed(by: By, { proof, target, up }: Decision): void {
    if (proof === undefined) return
    const { late, seq } = proof
    const register = this.#register(by, target)
    const what = `seq ${seq} of ${nameOf(target)}`
    if (up !== (seq % 2 === 0)) this.violated("P1", `${by.id} follows ${what} as ${statusText(up)}`)
    if (register === undefined || register.seq < seq) {
      return this.violated("P1", `${by.id} follows ${what} before it is kept`)
    }
    if (register.seq > seq) return
    if (!late && register.isLate && !this.#jumped.has(by.id)) {
      this.violated(
        "P1",
        `${by.id} follows ${what} at once, which is ${(register.wall - register.newest) / 1_000} s old`
      )
    }
    if (!late || this.#jumped.has(by.id)) return
    const held = this.#now() - register.at
    if (!register.isLate) this.violated("P4", `${by.id} holds ${what} up as late, which is not`)
    else if (held < holdTime - 1) this.violated("P1", `${by.id} follows ${what} after ${held} ms, and it is late`)
  }

  /** The outages of a node that collects, after it took one in. Its votes are evidence where there is no certificate. */
  outage(node: string, tag: "Opened" | "Closed", outage: Outage, openThreads: number): void {
    if (tag === "Closed" && !(outage.end !== undefined && outage.end > outage.start)) {
      this.violated("P5", `${node}: the outage ${outage.id} of ${nameOf(outage.target)} ends before it starts`)
    }
    if (openThreads > 1) {
      this.violated("P5", `${node}: ${openThreads} alert threads of ${nameOf(outage.target)} are open`)
    }
    if (tag === "Closed" || this.#mode === "require") return
    const yes = Object.keys(outage.votes).filter((voter) => outage.votes[voter] === true)
    const invented = yes.filter((voter) => !this.#voted.has(`${voter} ${this.keys.of(outage.target)} false`))
    if (invented.length > 0) {
      const what = `the outage ${outage.id} of ${nameOf(outage.target)}`
      this.violated("P2", `${node}: ${what} shows votes that ${invented.join(", ")} never gave`)
    }
    const given = yes.filter((voter) => this.#given.has(`${voter} ${outage.id} true`))
    const monitors = [...this.rosters.values()].at(-1)?.members.filter(({ role }) => role === "IBPMonitor") ?? []
    if (given.length < majority(monitors.length)) this.withFewVotes++
  }

  /** Whether somebody else has the key that a member has in an epoch. */
  #isStolen(member: string, epoch: number): boolean {
    return this.#stolen.has(member)
      && this.rosters.get(epoch)?.members.find(({ id }) => id === member)?.key === cheapPublicKey(member)
  }

  /**
   * Whether the highest step of a target stands by an epoch that is retired, at fewer than a majority of those monitors: then they cannot
   * prove it again, nor can the others follow them.
   */
  isStranded(target: Target, roster: Roster, nodes: ReadonlyArray<string>, seeing: ReadonlySet<string>): boolean {
    const registers = nodes.flatMap((node) => {
      const register = this.#registers.get(`${node} ${this.#lives.get(node)} ${this.keys.of(target)}`)
      return register === undefined ? [] : [{ node, ...register }]
    })
    const seq = Math.max(...registers.map((register) => register.seq))
    const highest = registers.filter((register) => register.seq === seq)
    const electorate = roster.members.filter(({ ipv6, role }) => role === "IBPMonitor" && (ipv6 || !target.ipv6))
    const able = highest.filter(({ node }) => seeing.has(node) && electorate.some(({ id }) => id === node))
    const isRetired = highest.length > 0 && highest.every(({ epoch }) => epoch < roster.minEpoch)
    return isRetired && able.length < majority(electorate.length)
  }

  /** A node starts with nothing but its disk. */
  started({ id, life, wall }: Pick<By, "id" | "life" | "wall">, certificates: ReadonlyArray<Certificate>): void {
    this.#lives.set(id, life)
    for (const certificate of certificates) {
      this.#registers.set(
        `${id} ${life} ${this.keys.of(certificate.T)}`,
        registerOf(certificate, { at: this.#now(), wall, before: undefined, isKept: true })
      )
    }
  }
}

const signedKey = (
  epoch: number,
  voter: string,
  target: TargetKey,
  seq: number,
  up: boolean,
  observedAt: string
): string => `${epoch} ${voter} ${target} ${seq} ${up} ${observedAt}`
