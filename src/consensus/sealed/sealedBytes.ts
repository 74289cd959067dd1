import { type Target, targetFields } from "../../domain/Target.ts"
import type { Roster } from "./Roster.ts"

/**
 * What is signed, as text: its UTF-8 are the signed bytes. Each is `JSON.stringify` of a flat list of strings, booleans and
 * safe integers that begins with a name of its own, so that no two different things have the same bytes.
 */

/** What a vote says: `voter` saw the target up or not, for the step `seq` of its register. */
export interface SignedVote {
  readonly cluster: string
  readonly epoch: number
  readonly voter: string
  readonly target: Target
  readonly seq: number
  readonly up: boolean
  /** As it is sent. */
  readonly observedAt: string
}

/** The bytes of a vote. The proposal is not among them: a vote is an observation, whoever asked for it. */
export const voteBytes = ({ cluster, epoch, observedAt, seq, target, up, voter }: SignedVote): string =>
  JSON.stringify([
    "geodns.vote.1",
    cluster,
    epoch,
    voter,
    ...targetFields(target),
    seq,
    up,
    observedAt
  ])

/** What a proposal says. */
export interface SignedProposal {
  readonly cluster: string
  readonly epoch: number
  readonly proposer: string
  readonly target: Target
  readonly seq: number
  readonly id: string
  readonly up: boolean
  /** As it is sent. */
  readonly timestamp: string
  readonly error: string
}

/** The bytes of a proposal. What the probe measured is not among them: it is never evidence. */
export const proposalBytes = (
  { cluster, epoch, error, id, proposer, seq, target, timestamp, up }: SignedProposal
): string =>
  JSON.stringify([
    "geodns.proposal.1",
    cluster,
    epoch,
    proposer,
    ...targetFields(target),
    seq,
    id,
    up,
    timestamp,
    error
  ])

/** What a decision says. */
export interface SignedDecision {
  readonly cluster: string
  readonly epoch: number
  readonly sender: string
  readonly target: Target
  readonly id: string
  readonly up: boolean
  readonly passed: boolean
  /** As it is sent. */
  readonly decidedAt: string
}

/** The bytes of a decision. It is the word of its sender, and no proof: that is a certificate. */
export const decisionBytes = (
  { cluster, decidedAt, epoch, id, passed, sender, target, up }: SignedDecision
): string =>
  JSON.stringify([
    "geodns.decision.1",
    cluster,
    epoch,
    sender,
    ...targetFields(target),
    id,
    up,
    passed,
    decidedAt
  ])

/** What a join says. */
export interface SignedJoin {
  readonly cluster: string
  readonly epoch: number
  readonly id: string
  readonly role: string
  readonly boot: string
  /** As it is sent. */
  readonly time: string
}

/** The bytes of a join. */
export const joinBytes = ({ boot, cluster, epoch, id, role, time }: SignedJoin): string =>
  JSON.stringify(["geodns.join.1", cluster, epoch, id, role, boot, time])

/** The bytes of a roster, which an operator signs. Five values for each member, in the order of the file. */
export const rosterBytes = ({ cluster, epoch, members, minEpoch }: Roster): string =>
  JSON.stringify([
    "geodns.roster.1",
    cluster,
    epoch,
    minEpoch,
    ...members.flatMap(({ id, ipv6, key, region, role }) => [id, key, role, ipv6, region ?? ""])
  ])
