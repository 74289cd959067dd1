import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import { cheapPublicKey } from "../../../src/consensus/sealed/cheapKey.ts"
import type { Roster } from "../../../src/consensus/sealed/Roster.ts"
import type { Outage } from "../../../src/domain/Outage.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import type { Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { wireTimeMillis } from "../../../src/domain/wire/WireTime.ts"
import { type Mode, promised, type Property } from "../plan/Mode.ts"
import { nameOf, statusText } from "./Story.ts"

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
  readonly #mode: Mode
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
  readonly #registers = new Map<string, { readonly seq: number; readonly epoch: number }>()
  readonly #lives = new Map<string, number>()
  readonly #certified = new Set<string>()

  constructor(options: { readonly mode: Mode; readonly now: () => number; readonly stolen: ReadonlyArray<string> }) {
    this.#mode = options.mode
    this.#now = options.now
    this.#stolen = new Set(options.stolen)
  }

  violated(property: Property, text: string): void {
    if (promised[property][this.#mode]) this.violations.push({ property, at: this.#now(), text })
  }

  /** A monitor looked. */
  observed(node: string, target: Target, up: boolean, wall: number): void {
    const key = `${node} ${targetKey(target)}`
    const seen = this.#seen.get(key)
    const one = { at: this.#now(), wall, up }
    if (seen === undefined) this.#seen.set(key, [one])
    else seen.push(one)
  }

  /** A monitor votes, of its own accord. `up`: what it says that it sees. */
  voted(node: string, vote: Vote, target: Target, up: boolean): void {
    const now = this.#now()
    this.#voted.add(`${node} ${targetKey(target)} ${up}`)
    const seen = (this.#seen.get(`${node} ${targetKey(target)}`) ?? [])
      .filter((one) => one.up === up && now - one.at <= lookTime)
    const key = vote.Seal === undefined || vote.Seq === undefined || vote.Seq === 0
      ? `${node} ${vote.ProposalID} ${vote.Agree}`
      : signedKey(vote.Seal.epoch, node, target, vote.Seq, up, vote.Seal.observedAt)
    // The same again.
    if (this.#given.has(key)) return
    const claimed = vote.Seal === undefined ? undefined : wireTimeMillis(vote.Seal.observedAt)
    const truly = claimed === undefined || vote.Seq === 0 ? seen : seen.filter(({ wall }) => wall === claimed)
    if (truly.length === 0) {
      this.violated("P2", `${node} votes that ${nameOf(target)} is ${statusText(up)} without having seen that just now`)
    }
    this.#given.set(key, { at: now, seenAt: Math.min(now, ...truly.map(({ at }) => at)) })
  }

  /** The members that saw the target down in a time. */
  #whoSawDown(members: ReadonlyArray<string>, target: Target, from: number, to: number): ReadonlyArray<string> {
    const key = targetKey(target)
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
    const means = `${targetKey(target)} ${up}`
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

  /** A node takes a step because of a certificate. */
  stepped(
    node: string,
    life: number,
    certificate: Certificate,
    cut: { readonly side: ReadonlyArray<string>; readonly at: number } | undefined
  ): void {
    const { T: target, epoch, seq, votes } = certificate
    const what = `${nameOf(target)} ${statusText(seq % 2 === 0)} (seq ${seq})`
    const register = `${node} ${life} ${targetKey(target)}`
    const before = this.#registers.get(register)
    const minEpoch = Math.max(...Array.from(this.rosters.values(), (roster) => roster.minEpoch))
    const isRenewed = seq === before?.seq && before.epoch < minEpoch && epoch >= minEpoch
    if (seq <= (before?.seq ?? 0) && !isRenewed) {
      this.violated("P1", `the register of ${node} goes from ${before?.seq} to ${what}`)
    }
    this.#registers.set(register, { seq, epoch })

    const text = JSON.stringify(certificate)
    if (this.#certified.has(text)) return
    this.#certified.add(text)
    const roster = this.rosters.get(epoch)
    const electorate = (roster?.members ?? [])
      .filter(({ ipv6, role }) => role === "IBPMonitor" && (ipv6 || !target.ipv6))
      .map(({ id }) => id)
    const needed = majority(electorate.length)
    const up = seq % 2 === 0
    const voters = new Set<string>()
    const honest: Array<Given & { readonly member: string }> = []
    for (const { observedAt, voter } of votes) {
      if (voters.has(voter) || !electorate.includes(voter)) continue
      const given = this.#given.get(signedKey(epoch, voter, target, seq, up, observedAt))
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
    const invented = yes.filter((voter) => !this.#voted.has(`${voter} ${targetKey(outage.target)} false`))
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
      const register = this.#registers.get(`${node} ${this.#lives.get(node)} ${targetKey(target)}`)
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
  started(node: string, life: number, kept: Iterable<Certificate>): void {
    this.#lives.set(node, life)
    for (const { T, epoch, seq } of kept) this.#registers.set(`${node} ${life} ${targetKey(T)}`, { seq, epoch })
  }
}

/** The votes that it takes, counted by the text of the specification. */
const majority = (n: number): number => Math.max(2, Math.floor(n / 2) + 1)

const signedKey = (
  epoch: number,
  voter: string,
  target: Target,
  seq: number,
  up: boolean,
  observedAt: string
): string => `${epoch} ${voter} ${targetKey(target)} ${seq} ${up} ${observedAt}`
