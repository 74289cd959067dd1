import type { Target } from "../../domain/Target.ts"
import { type Proposal, proposalTarget, type Vote } from "../../domain/wire/Consensus.ts"
import { wireTimeMillis } from "../../domain/wire/WireTime.ts"
import { clockTolerance } from "../../status/OfficialTable.ts"
import type { DropReason } from "../BallotEffect.ts"
import { fitProposal, isName } from "../Limits.ts"
import type { Rosters } from "./Rosters.ts"
import { maxSpread } from "./verify.ts"

/** What a message is refused for before its signature is looked at, which is dear. */
export interface Refused {
  readonly _tag: "Refused"
  readonly reason: DropReason
  /** With "clock": how far its time is ahead of ours, in milliseconds. */
  readonly skew?: number
}

/** A proposal or vote of a member for the step `seq`, if its signature is that member's. */
export interface Sealed<A> {
  readonly _tag: "Sealed"
  readonly message: A
  readonly seq: number
  /** Of a vote: when the target was seen; of a proposal: when it was made. */
  readonly at: number
}

/** One of outsiders (v2 nodes, members in the mode `prefer`): it names no step, and nothing is counted for or by it. */
export interface Outside<A> {
  readonly _tag: "Outside"
  readonly message: A
}

export type Screened<A> = Refused | Sealed<A> | Outside<A>

const refused = (reason: DropReason): Refused => ({ _tag: "Refused", reason })

/** While a roster is handed out nodes have different ones. What is retired may be of a stolen key. */
const otherEpoch = (epoch: number, { minEpoch }: Rosters): Refused =>
  refused(epoch < minEpoch ? "retired-epoch" : "other-epoch")

interface Screen {
  readonly node: string
  readonly rosters: Rosters
  readonly now: number
}

/** A proposal, cut to size. */
export const screenProposal = (
  received: Proposal,
  { knows, node, now, rosters }: Screen & { readonly knows: (target: Target) => boolean }
): Screened<Proposal> => {
  const { Seal: seal, SenderNodeID: sender, Seq: seq } = received
  const { epoch } = rosters.current
  if (sender === node) return refused("own-id")
  const isSealed = seal !== undefined && seq !== undefined
  if (!isSealed && rosters.verifier(epoch, sender) !== undefined) return refused("unsigned")
  const message = fitProposal(received)
  // The error text is signed: who signs cuts it before.
  if (message === undefined || message.ErrorText !== received.ErrorText) return refused("too-long")
  if (!knows(proposalTarget(message))) return refused("unknown-target")
  if (!isSealed || seq === 0) return { _tag: "Outside", message }
  if (seal.epoch !== epoch) return otherEpoch(seal.epoch, rosters)
  if (!rosters.electorate(epoch, message.IsIPv6)?.has(sender)) return refused("not-a-member")
  // With the ids of closed ones, which are kept for longer, that is what stops replays.
  const at = message.Timestamp
  if (!(Math.abs(at - now) <= clockTolerance)) return { ...refused("clock"), skew: at - now }
  return { _tag: "Sealed", message, seq, at }
}

/** A vote. Without its proposal nobody knows what target it is for. */
export const screenVote = (vote: Vote, { node, now, rosters }: Screen): Screened<Vote> => {
  const { NodeID: voter, Seal: seal, SenderNodeID: sender, Seq: seq } = vote
  if (sender !== "" && sender !== voter) return refused("mismatch")
  if (voter === node) return refused("own-id")
  if (!isName(voter) || !isName(vote.ProposalID)) return refused("too-long")
  if (seal === undefined || seq === undefined) return refused("unsigned")
  if (seq === 0) return { _tag: "Outside", message: vote }
  if (seal.epoch !== rosters.current.epoch) return otherEpoch(seal.epoch, rosters)
  if (rosters.verifier(seal.epoch, voter) === undefined) return refused("not-a-member")
  const at = wireTimeMillis(seal.observedAt)
  if (at === undefined) return refused("mismatch")
  if (Math.abs(at - now) > maxSpread) return { ...refused("clock"), skew: at - now }
  return { _tag: "Sealed", message: vote, seq, at }
}
