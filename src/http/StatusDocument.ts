import * as Schema from "effect/Schema"
import { Target } from "../domain/Target.ts"
import { OverrideStatus } from "./OverrideDocument.ts"

/** The first items of a list, and how many there are in all. */
const Listed = <S extends Schema.Constraint>(item: S) => Schema.Struct({ total: Schema.Int, items: Schema.Array(item) })

/** RFC 3339, UTC. */
const Time = Schema.String

/** Ids of nodes. */
const Votes = Schema.Struct({ yes: Schema.Array(Schema.String), no: Schema.Array(Schema.String) })

/** How long the successful probes of the last one to two hours took, in milliseconds to two digits. */
export const LatencyStatus = Schema.Struct({ p50: Schema.Finite, p95: Schema.Finite, p99: Schema.Finite })

/** The official status of one target. */
export const TargetStatus = Schema.Struct({
  target: Target,
  up: Schema.Boolean,
  since: Time,
  /** `""` when up. */
  error: Schema.String,
  /** The id of the proposal that was decided. */
  decision: Schema.String,
  decidedBy: Schema.String,
  votes: Votes,
  /** The step of its register, where it was decided by a certificate. Missing: unproven. */
  seq: Schema.optionalKey(Schema.Int),
  /** The epoch of its certificate is retired since: to others it proves nothing any more. Missing: it is not. */
  retired: Schema.optionalKey(Schema.Boolean),
  /** Only on a monitor that checks it. */
  latency: Schema.optionalKey(LatencyStatus)
})
export type TargetStatus = typeof TargetStatus.Type

/**
 * A member as a whole. `down`: on every IP version that it was checked on, its site is down or all of its targets are.
 * `degraded`: some targets are. `unknown`: nothing is decided.
 */
export const MemberState = Schema.Literals(["up", "degraded", "down", "unknown", "overridden", "inactive"])
export type MemberState = typeof MemberState.Type

export const MemberStatus = Schema.Struct({
  /** `""` when the members document does not have it (any more). */
  key: Schema.String,
  name: Schema.String,
  region: Schema.String,
  /** `""`, or an http or https URL. */
  website: Schema.String,
  logo: Schema.String,
  services: Schema.Int,
  state: MemberState,
  /** Missing when nothing is decided. */
  since: Schema.optionalKey(Time),
  /** Taken out by hand: by an operator, or by the members document, which gives no reason. */
  out: Schema.optionalKey(Schema.Struct({
    by: Schema.Literals(["override", "maintenance", "document"]),
    reason: Schema.String,
    author: Schema.String,
    since: Schema.optionalKey(Time),
    /** Missing: until somebody ends it. */
    until: Schema.optionalKey(Time)
  })),
  up: Schema.Int,
  down: Schema.Int,
  /** Of all its targets together. Only on a monitor that checks it. */
  latency: Schema.optionalKey(LatencyStatus),
  /** Those that are down first. Fewer than `up + down` when there are too many for one document. */
  targets: Schema.Array(TargetStatus)
})
export type MemberStatus = typeof MemberStatus.Type

export const NodeStatus = Schema.Struct({
  id: Schema.String,
  role: Schema.String,
  /** The role was guessed. */
  guessed: Schema.Boolean,
  address: Schema.String,
  /** Of the node that made this document: its start. */
  lastHeard: Time,
  active: Schema.Boolean,
  /** Its vote counts now. */
  votes: Schema.Boolean,
  /** By how many seconds its clock is ahead of that of the node that made this document. Missing until that is known. */
  clockSkew: Schema.optionalKey(Schema.Finite),
  /** Of the roster that it goes by, as it signed. Missing for who signs nothing. */
  epoch: Schema.optionalKey(Schema.Int),
  /** It is the node that made this document. Missing for all others. */
  self: Schema.optionalKey(Schema.Boolean)
})
export type NodeStatus = typeof NodeStatus.Type

export const ProposalStatus = Schema.Struct({
  id: Schema.String,
  target: Target,
  up: Schema.Boolean,
  error: Schema.String,
  proposer: Schema.String,
  firstSeen: Time,
  votes: Votes
})
export type ProposalStatus = typeof ProposalStatus.Type

export const OutageStatus = Schema.Struct({
  id: Schema.String,
  target: Target,
  start: Time,
  /** Missing while it is open. */
  end: Schema.optionalKey(Time),
  error: Schema.String,
  votes: Votes,
  blip: Schema.Boolean,
  /** Where it was opened by a certificate: the step, whether it was learnt late, and whether all its certificates are stored. */
  proof: Schema.optionalKey(Schema.Struct({ seq: Schema.Int, late: Schema.Boolean, certified: Schema.Boolean }))
})
export type OutageStatus = typeof OutageStatus.Type

/** A target whose "up" this monitor does not propose for now, because it went down too often. */
export const HeldStatus = Schema.Struct({
  target: Target,
  /** Points, 1,000 for each time that it went down, halved in every half-life. */
  penalty: Schema.Int,
  /** When it is let go, unless it goes down again. */
  until: Time
})
export type HeldStatus = typeof HeldStatus.Type

/** Missing `here` or `there`: nothing is known or decided on that side. */
export const ShadowStatus = Schema.Struct({
  against: Schema.String,
  at: Schema.optionalKey(Time),
  problem: Schema.optionalKey(Schema.String),
  compared: Schema.Int,
  agreed: Schema.Int,
  differences: Listed(Schema.Struct({
    target: Target,
    here: Schema.optionalKey(Schema.Boolean),
    there: Schema.optionalKey(Schema.Boolean),
    since: Time
  }))
})
export type ShadowStatus = typeof ShadowStatus.Type

/** What one node knows of the whole: `GET /api/status`, and what the status page shows. Bounded, whatever there is. */
export const StatusDocument = Schema.Struct({
  at: Time,
  node: Schema.Struct({ id: Schema.String, role: Schema.String, boot: Schema.String, startedAt: Time }),
  config: Schema.Struct({ version: Schema.Int, loadedAt: Time }),
  conditions: Listed(Schema.Struct({ name: Schema.String, detail: Schema.String, since: Time })),
  /** How this node takes part in decisions. Missing from nodes of older versions. */
  consensus: Schema.optionalKey(Schema.Struct({
    mode: Schema.Literals(["open", "prefer", "require"]),
    /** Of the roster in use; missing without one. */
    epoch: Schema.optionalKey(Schema.Int),
    /** Whether its votes count. */
    votes: Schema.Boolean
  })),
  /** The number of monitors that may vote now. */
  electorate: Schema.Int,
  /** This node first, then those that it heard of. */
  nodes: Listed(NodeStatus),
  targets: Schema.Struct({ up: Schema.Int, down: Schema.Int }),
  members: Listed(MemberStatus),
  proposals: Listed(ProposalStatus),
  /** Only on a monitor: whether it can trust what it sees. */
  observer: Schema.optionalKey(Schema.Struct({
    /** How far it gets with each IP version. */
    ipv4: Schema.Literals(["none", "loopback", "all"]),
    ipv6: Schema.Literals(["none", "loopback", "all"]),
    /** What it neither proposes nor votes on, as its own known-good targets fail. */
    silent: Schema.Literals(["nothing", "ipv6", "everything"]),
    /** Members that are officially up as far as it checks them, and those of them that fail from here. */
    members: Schema.Int,
    failing: Schema.Int
  })),
  /** Only on a monitor: targets that it holds down because they flap. */
  held: Schema.optionalKey(Listed(HeldStatus)),
  /** Members taken out by hand: in force or planned. */
  overrides: Listed(OverrideStatus),
  /** Only on a shadow: where it and the cluster do not agree. */
  shadow: Schema.optionalKey(ShadowStatus),
  /** Only where outages are kept. */
  outages: Schema.optionalKey(
    Schema.Struct({
      open: Listed(OutageStatus),
      /** Closed ones of the last day, the newest first. `problem` says why there are none, when that is not known. */
      recent: Listed(OutageStatus),
      problem: Schema.optionalKey(Schema.String)
    })
  )
})
export type StatusDocument = typeof StatusDocument.Type
