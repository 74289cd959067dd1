import type { NodeEntry } from "../cluster/Membership.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { OpenProposal } from "../consensus/Consensus.ts"
import type { MemberEntry } from "../domain/Catalog.ts"
import type { Outage } from "../domain/Outage.ts"
import type { Target } from "../domain/Target.ts"
import { proposalTarget } from "../domain/wire/Consensus.ts"
import type { Condition } from "../node/Conditions.ts"
import type { Official } from "../status/Decision.ts"
import { rfc3339 } from "./rfc3339.ts"
import type {
  MemberState,
  MemberStatus,
  NodeStatus,
  OutageStatus,
  ProposalStatus,
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
  readonly electorate: ReadonlySet<string>
  readonly officials: Iterable<Official>
  readonly proposals: ReadonlyArray<OpenProposal>
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
  votes: 32,
  /** Characters of a name, an id or a URL. */
  name: 200,
  /** Characters of an error. */
  text: 300
}

export const noOutages: RecentOutages = { total: 0, latest: [] }

/** Counts a closed outage, and keeps it while it is among the latest. */
export const addOutage = (recent: RecentOutages, outage: Outage): RecentOutages => ({
  total: recent.total + 1,
  latest: [...recent.latest, outage]
    .sort((a, b) => (b.end ?? 0) - (a.end ?? 0))
    .slice(0, limits.recentOutages)
})

const clip = (text: string, length: number): string => text.length > length ? `${text.slice(0, length - 1)}…` : text

const nameText = (text: string): string => clip(text, limits.name)
const errorText = (text: string): string => clip(text, limits.text)

const listed = <A, B>(all: ReadonlyArray<A>, limit: number, show: (item: A) => B) => ({
  total: all.length,
  items: all.slice(0, limit).map(show)
})

const targetText = (target: Target): Target => ({
  checkType: target.checkType,
  check: nameText(target.check),
  member: nameText(target.member),
  domain: nameText(target.domain),
  endpoint: nameText(target.endpoint),
  ipv6: target.ipv6
})

const votesOf = (votes: Readonly<Record<string, boolean>>) => {
  const ids = Object.keys(votes).sort()
  const side = (agreed: boolean) => ids.filter((id) => votes[id] === agreed).slice(0, limits.votes).map(nameText)
  return { yes: side(true), no: side(false) }
}

/** An address that may be a link: http or https, without a password. `""` for all others. */
export const webUrl = (text: string): string => {
  if (text.length > 2000 || !URL.canParse(text)) return ""
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" ? url.href : ""
}

const targetStatus = (official: Official): TargetStatus => ({
  target: targetText(official.target),
  up: official.up,
  since: rfc3339(official.decidedAt),
  error: errorText(official.error),
  decision: nameText(official.id),
  decidedBy: nameText(official.decidedBy),
  votes: votesOf(official.votes)
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

const memberStatus = (
  name: string,
  entry: MemberEntry | undefined,
  officials: ReadonlyArray<Official>,
  shown: ReadonlyArray<Official>
): MemberStatus => {
  const { since, state } = memberState(officials)
  const down = officials.reduce((count, { up }) => up ? count : count + 1, 0)
  return {
    key: nameText(entry?.key ?? ""),
    name: nameText(name),
    region: nameText(entry?.member.Location.Region ?? ""),
    website: webUrl(entry?.member.Details.Website ?? ""),
    logo: webUrl(entry?.member.Details.Logo ?? ""),
    services: entry?.services.length ?? 0,
    state: entry?.member.Service.Active === false ? "inactive" : entry?.member.Override === true ? "overridden" : state,
    ...since !== undefined && { since: rfc3339(since) },
    up: officials.length - down,
    down,
    targets: shown.map(targetStatus)
  }
}

const membersOf = (entries: ReadonlyArray<MemberEntry>, officials: Iterable<Official>) => {
  const byMember = new Map<string, Array<Official>>(entries.map(({ name }) => [name, []]))
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
  const entryOf = new Map(entries.map((entry) => [entry.name, entry]))
  const members = [...byMember]
    .map(([name, all]) => memberStatus(name, entryOf.get(name), all, shown.get(name) ?? []))
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
  votes: electorate.has(node.id)
})

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
  blip: outage.blip
})

/** Makes the status document. It stays small enough for one answer, whatever nodes, names and errors there are. */
export const summarize = (input: StatusInput): StatusDocument => {
  const { down, members, up } = membersOf(input.config.catalog.members, input.officials)
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
    electorate: input.electorate.size,
    nodes: listed(
      input.nodes.toSorted((a, b) => a.role < b.role ? -1 : a.role > b.role ? 1 : a.id < b.id ? -1 : 1),
      limits.nodes,
      nodeStatus(input.electorate)
    ),
    targets: { up, down },
    members: { total: members.length, items: members.slice(0, limits.members) },
    overrides: { total: 0, items: [] },
    proposals: listed(
      input.proposals.toSorted((a, b) => a.firstSeen - b.firstSeen),
      limits.proposals,
      proposalStatus
    ),
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
