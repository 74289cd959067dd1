import type { NodeEntry } from "../cluster/Membership.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { ConsensusState, OpenProposal } from "../consensus/Consensus.ts"
import type { MemberEntry } from "../domain/Catalog.ts"
import type { Outage } from "../domain/Outage.ts"
import { overriddenMembers, type Override, overrideState } from "../domain/Override.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import { proposalTarget } from "../domain/wire/Consensus.ts"
import type { HeldTarget } from "../monitor/FlapTable.ts"
import type { Latencies } from "../monitor/LatencyTable.ts"
import type { SelfStatus } from "../monitor/Monitor.ts"
import type { Condition } from "../node/Conditions.ts"
import type { Official } from "../status/Decision.ts"
import type { Comparison } from "../status/Shadow.ts"
import { rfc3339 } from "./rfc3339.ts"
import { errorText, nameText, overrideStatus, reasonText, shownLimits, targetText, votesOf } from "./shown.ts"
import type {
  MemberState,
  MemberStatus,
  NodeStatus,
  OutageStatus,
  ProposalStatus,
  ShadowStatus,
  StatusDocument,
  TargetStatus
} from "./StatusDocument.ts"

/** Everything that a status document is made of. Times in milliseconds since the epoch. */
export interface StatusInput {
  readonly now: number
  readonly node: { readonly id: string; readonly role: string; readonly boot: string; readonly startedAt: number }
  readonly config: Pick<Snapshot, "version" | "loadedAt" | "catalog">
  readonly conditions: ReadonlyArray<Condition>
  readonly nodes: ReadonlyArray<NodeEntry>
  readonly consensus?: Pick<ConsensusState, "mode" | "epoch" | "votes">
  readonly electorate: ReadonlySet<string>
  readonly officials: Iterable<Official>
  /** Targets whose certificates are of epochs that are retired. */
  readonly retired?: ReadonlySet<TargetKey>
  readonly proposals: ReadonlyArray<OpenProposal>
  /** Those that were given by hand; also such as are over. */
  readonly overrides?: {
    readonly all: ReadonlyArray<Override>
    /** In force now, by the name of the member. */
    readonly active: ReadonlyMap<string, Override>
  }
  readonly shadow?: Comparison
  readonly held?: ReadonlyArray<HeldTarget>
  readonly latencies?: Latencies
  readonly self?: SelfStatus
  readonly outages?: {
    readonly open: ReadonlyArray<Outage>
    readonly recent: RecentOutages
    readonly problem?: string
  }
}

/** The outages that ended last, the newest first, and how many there were. */
export interface RecentOutages {
  readonly total: number
  readonly latest: ReadonlyArray<Outage>
}

/** How much of what a document shows at most. */
export const limits = {
  conditions: 50,
  nodes: 200,
  members: 1000,
  targets: 1000,
  proposals: 100,
  openOutages: 200,
  recentOutages: 50,
  overrides: 200,
  differences: 200,
  held: 200,
  ...shownLimits
}

export const noOutages: RecentOutages = { total: 0, latest: [] }

/** Counts a closed outage, and keeps it while it is among the latest. */
export const addOutage = (recent: RecentOutages, outage: Outage): RecentOutages => ({
  total: recent.total + 1,
  latest: [...recent.latest, outage]
    .sort((a, b) => (b.end ?? 0) - (a.end ?? 0))
    .slice(0, limits.recentOutages)
})

const listed = <A, B>(all: ReadonlyArray<A>, limit: number, show: (item: A) => B) => ({
  total: all.length,
  items: all.slice(0, limit).map(show)
})

/** An address that may be a link: http or https, without a password. `""` for all others. */
export const webUrl = (text: string): string => {
  if (text.length > 2000 || !URL.canParse(text)) return ""
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" ? url.href : ""
}

/** What is known of targets beside their official status. */
type Facts = Pick<StatusInput, "latencies" | "retired">

const latencyOf = (latency: TargetStatus["latency"]) => latency === undefined ? {} : { latency }

const targetStatus = ({ latencies, retired }: Facts) => (official: Official): TargetStatus => ({
  target: targetText(official.target),
  up: official.up,
  since: rfc3339(official.decidedAt),
  error: errorText(official.error),
  decision: nameText(official.id),
  decidedBy: nameText(official.decidedBy),
  votes: votesOf(official.votes),
  ...official.proof !== undefined && { seq: official.proof.seq },
  ...official.proof !== undefined && retired?.has(targetKey(official.target)) === true && { retired: true },
  ...latencyOf(latencies?.ofTarget(targetKey(official.target)))
})

const earliest = (officials: ReadonlyArray<Official>): number =>
  officials.reduce((time, { decidedAt }) => Math.min(time, decidedAt), Infinity)

const latest = (officials: ReadonlyArray<Official>): number =>
  officials.reduce((time, { decidedAt }) => Math.max(time, decidedAt), -Infinity)

/** Since when one IP version of a member is down as a whole; undefined when it is not. */
const versionDownSince = (officials: ReadonlyArray<Official>): number | undefined => {
  const sites = officials.filter(({ target, up }) => target.checkType === "site" && !up)
  if (sites.length > 0) return earliest(sites)
  return officials.every(({ up }) => !up) ? latest(officials) : undefined
}

/** What the official status of its targets says of a member, and since when. */
export const memberState = (
  officials: ReadonlyArray<Official>
): { readonly state: MemberState; readonly since: number | undefined } => {
  if (officials.length === 0) return { state: "unknown", since: undefined }
  const down = officials.filter(({ up }) => !up)
  if (down.length === 0) return { state: "up", since: latest(officials) }
  const versions = [false, true]
    .map((ipv6) => officials.filter(({ target }) => target.ipv6 === ipv6))
    .filter((version) => version.length > 0)
    .map(versionDownSince)
  const whole = versions.filter((since) => since !== undefined)
  return whole.length === versions.length
    ? { state: "down", since: Math.max(...whole) }
    : { state: "degraded", since: earliest(down) }
}

const urgency: Readonly<Record<MemberState, number>> = {
  down: 0,
  degraded: 1,
  unknown: 2,
  overridden: 3,
  up: 4,
  inactive: 5
}

/** Why a member is out by hand, if it is: an operator's word says more than the members document. */
const outOf = (entry: MemberEntry | undefined, override: Override | undefined): MemberStatus["out"] | undefined => {
  if (override !== undefined) {
    const { author, from, kind, reason, until } = override
    return {
      by: kind,
      reason: reasonText(reason),
      author: nameText(author),
      since: rfc3339(from),
      ...until !== undefined && { until: rfc3339(until) }
    }
  }
  if (entry?.member.Override !== true) return undefined
  const since = Date.parse(entry.member.OverrideTime ?? "")
  return { by: "document", reason: "", author: "", ...since > 0 && { since: rfc3339(since) } }
}

const memberStatus = (
  name: string,
  entry: MemberEntry | undefined,
  override: Override | undefined,
  officials: ReadonlyArray<Official>,
  shown: ReadonlyArray<Official>,
  facts: Facts
): MemberStatus => {
  const { since, state } = memberState(officials)
  const down = officials.reduce((count, { up }) => up ? count : count + 1, 0)
  const out = outOf(entry, override)
  return {
    key: nameText(entry?.key ?? ""),
    name: nameText(name),
    region: nameText(entry?.member.Location.Region ?? ""),
    website: webUrl(entry?.member.Details.Website ?? ""),
    logo: webUrl(entry?.member.Details.Logo ?? ""),
    services: entry?.services.length ?? 0,
    state: entry?.member.Service.Active === false ? "inactive" : out !== undefined ? "overridden" : state,
    ...since !== undefined && { since: rfc3339(since) },
    ...out !== undefined && { out },
    up: officials.length - down,
    down,
    ...latencyOf(facts.latencies?.ofMember(name)),
    targets: shown.map(targetStatus(facts))
  }
}

const membersOf = (input: StatusInput) => {
  const { config: { catalog }, officials, overrides } = input
  const byMember = new Map<string, Array<Official>>(catalog.members.map(({ name }) => [name, []]))
  const failing: Array<Official> = []
  const healthy: Array<Official> = []
  let up = 0
  for (const official of officials) {
    const name = official.target.member
    const there = byMember.get(name)
    if (there === undefined) byMember.set(name, [official])
    else there.push(official)
    if (!official.up) failing.push(official)
    else if (up++ < limits.targets) healthy.push(official)
  }
  failing.sort((a, b) => b.decidedAt - a.decidedAt)
  const shown = Map.groupBy(
    [...failing.slice(0, limits.targets), ...healthy.slice(0, Math.max(0, limits.targets - failing.length))],
    ({ target }) => target.member
  )
  const entryOf = new Map(catalog.members.map((entry) => [entry.name, entry]))
  const out = overrides === undefined ? undefined : overriddenMembers(catalog, overrides.active)
  const members = [...byMember]
    .map(([name, all]) => {
      const entry = entryOf.get(name)
      return memberStatus(name, entry, entry && out?.get(entry), all, shown.get(name) ?? [], input)
    })
    .sort((a, b) => urgency[a.state] - urgency[b.state] || (a.name < b.name ? -1 : 1))
  return { members, up, down: failing.length }
}

const nodeStatus = (electorate: ReadonlySet<string>) => (node: NodeEntry): NodeStatus => ({
  id: nameText(node.id),
  role: nameText(node.role),
  guessed: node.guessed,
  address: nameText(node.address),
  lastHeard: rfc3339(node.lastHeard),
  active: node.active,
  votes: electorate.has(node.id),
  ...node.epoch !== undefined && { epoch: node.epoch },
  // Tenths: what is finer is the network, and a change each second.
  ...node.skew !== undefined && { clockSkew: Math.round(node.skew / 100) / 10 }
})

/** The node that makes the document. Its time is that of its start: one that moves would be a change each second. */
const selfStatus = ({ consensus, electorate, node: { id, role, startedAt } }: StatusInput): NodeStatus => ({
  id: nameText(id),
  role,
  guessed: false,
  address: "",
  lastHeard: rfc3339(startedAt),
  active: true,
  votes: electorate.has(id),
  ...consensus?.epoch !== undefined && { epoch: consensus.epoch },
  self: true
})

/** Without what is undefined. */
export const consensusStatus = ({ epoch, mode, votes }: Pick<ConsensusState, "mode" | "epoch" | "votes">) => ({
  mode,
  ...epoch !== undefined && { epoch },
  votes
})

const observerStatus = ({ reach, silent, verdict }: SelfStatus) => ({
  ...reach,
  silent: silent.ipv4 ? "everything" as const : silent.ipv6 ? "ipv6" as const : "nothing" as const,
  members: verdict.members,
  failing: verdict.failing
})

/** This node stands first: however many there are, it is among those that are shown. */
const nodesOf = (input: StatusInput) => {
  const others = input.nodes.toSorted((a, b) => a.role < b.role ? -1 : a.role > b.role ? 1 : a.id < b.id ? -1 : 1)
  const { items, total } = listed(others, limits.nodes - 1, nodeStatus(input.electorate))
  return { total: total + 1, items: [selfStatus(input), ...items] }
}

const proposalStatus = ({ firstSeen, proposal, votes }: OpenProposal): ProposalStatus => ({
  id: nameText(proposal.ID),
  target: targetText(proposalTarget(proposal)),
  up: proposal.ProposedStatus,
  error: errorText(proposal.ErrorText),
  proposer: nameText(proposal.SenderNodeID),
  firstSeen: rfc3339(firstSeen),
  votes: votesOf(votes)
})

const outageStatus = (outage: Outage): OutageStatus => ({
  id: nameText(outage.id),
  target: targetText(outage.target),
  start: rfc3339(outage.start),
  ...outage.end !== undefined && { end: rfc3339(outage.end) },
  error: errorText(outage.error),
  votes: votesOf(outage.votes),
  blip: outage.blip,
  ...outage.proof !== undefined && { proof: outage.proof }
})

const shadowStatus = (comparison: Comparison): ShadowStatus => ({
  against: nameText(comparison.against),
  ...comparison.at !== undefined && { at: rfc3339(comparison.at) },
  ...comparison.problem !== undefined && { problem: errorText(comparison.problem) },
  compared: comparison.compared,
  agreed: comparison.agreed,
  differences: listed(comparison.differences, limits.differences, ({ here, since, target, there }) => ({
    target: targetText(target),
    ...here !== undefined && { here },
    ...there !== undefined && { there },
    since: rfc3339(since)
  }))
})

/** Makes the status document. It stays small enough for one answer, whatever nodes, names and errors there are. */
export const summarize = (input: StatusInput): StatusDocument => {
  const { down, members, up } = membersOf(input)
  const overrides = (input.overrides?.all ?? []).filter((override) => overrideState(override, input.now) !== "over")
  return {
    at: rfc3339(input.now),
    node: {
      id: nameText(input.node.id),
      role: input.node.role,
      boot: input.node.boot,
      startedAt: rfc3339(input.node.startedAt)
    },
    config: { version: input.config.version, loadedAt: rfc3339(input.config.loadedAt) },
    conditions: listed(input.conditions, limits.conditions, ({ detail, name, since }) => ({
      name: nameText(name),
      detail: errorText(detail),
      since: rfc3339(since)
    })),
    ...input.consensus !== undefined && { consensus: consensusStatus(input.consensus) },
    electorate: input.electorate.size,
    nodes: nodesOf(input),
    targets: { up, down },
    members: { total: members.length, items: members.slice(0, limits.members) },
    overrides: listed(overrides, limits.overrides, (override) => overrideStatus(override, input.now)),
    proposals: listed(
      input.proposals.toSorted((a, b) => a.firstSeen - b.firstSeen),
      limits.proposals,
      proposalStatus
    ),
    ...input.self !== undefined && { observer: observerStatus(input.self) },
    ...input.held !== undefined && {
      held: listed(input.held, limits.held, ({ left, penalty, target }) => ({
        target: targetText(target),
        // It decays all the time, which must not be a change each second.
        penalty: Math.round(penalty / 100) * 100,
        until: rfc3339(Math.ceil((input.now + left) / 60_000) * 60_000)
      }))
    },
    ...input.shadow !== undefined && { shadow: shadowStatus(input.shadow) },
    ...input.outages !== undefined && {
      outages: {
        open: listed(input.outages.open.toSorted((a, b) => b.start - a.start), limits.openOutages, outageStatus),
        recent: {
          total: input.outages.recent.total,
          items: input.outages.recent.latest.map(outageStatus)
        },
        ...input.outages.problem !== undefined && { problem: errorText(input.outages.problem) }
      }
    }
  }
}
