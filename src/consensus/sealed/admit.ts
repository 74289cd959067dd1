import * as Result from "effect/Result"
import type { FinalizeMessage, Proposal, Vote } from "../../domain/wire/Consensus.ts"
import type { Invalid } from "./Invalid.ts"
import type { Rosters } from "./Rosters.ts"
import { checkDecision, checkProposal, checkVote, type Unsealed } from "./seals.ts"
import type { VerifiedSignatures } from "./VerifiedSignatures.ts"
import { verify } from "./verify.ts"

/**
 * The gate of the mode `prefer`: what claims a node whose key we hold must carry its seal, or stripping the seal would defeat it.
 * All else passes as in v2. A message that is admitted comes out as it counts.
 */

/** A vote may have been observed so far from our clock, in milliseconds: it is repeated while its proposal is open, 90 s. */
export const maxVoteAge = 2 * 60_000

/** Whether a message in the name of `id` has to be sealed. */
export const holdsKeyOf = (rosters: Rosters, id: string): boolean =>
  rosters.verifier(rosters.current.epoch, id) !== undefined

/** Who a decision says it is from. Older nodes name nobody but the proposer. */
export const senderOf = (message: FinalizeMessage): string =>
  message.SenderNodeID === "" ? message.Proposal.SenderNodeID : message.SenderNodeID

/** A proposal. Those of members in the mode `prefer` name no step. */
export const admitProposal = (
  proposal: Proposal,
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<Proposal, Unsealed> =>
  holdsKeyOf(rosters, proposal.SenderNodeID)
    ? Result.map(checkProposal(proposal, rosters, signatures, { anyStep: true }), () => proposal)
    : Result.succeed(proposal)

/** Whether a vote claims a member: then it can be judged only once its proposal is known. */
export const claimsMember = ({ NodeID, SenderNodeID }: Vote, rosters: Rosters): boolean =>
  holdsKeyOf(rosters, NodeID) || holdsKeyOf(rosters, SenderNodeID)

/**
 * A vote that claims a member. Of several votes of one node the latest counts: its time becomes the one that is signed, or an
 * old vote under a new time would replace a newer one.
 */
export const admitVote = (
  vote: Vote,
  proposal: Proposal,
  rosters: Rosters,
  signatures: VerifiedSignatures,
  now: number
): Result.Result<Vote, Unsealed | "clock"> => {
  if (!holdsKeyOf(rosters, vote.NodeID)) return Result.fail("mismatch")
  const checked = checkVote(vote, proposal, rosters, signatures, { anyStep: true })
  if (Result.isFailure(checked)) return Result.fail(checked.failure)
  const { observedAt } = checked.success
  return Math.abs(observedAt - now) <= maxVoteAge
    ? Result.succeed({ ...vote, Timestamp: observedAt })
    : Result.fail("clock")
}

/**
 * A decision that claims a member: by its certificate, as of the time when that was observed, or by the seal of its sender. The votes that it
 * tells are hearsay all the same.
 */
export const admitDecision = (
  message: FinalizeMessage,
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<FinalizeMessage, Unsealed | Invalid["_tag"]> => {
  if (!holdsKeyOf(rosters, senderOf(message))) return Result.succeed(message)
  if (message.Certificate === undefined) {
    return Result.map(checkDecision(message, rosters, signatures), () => message)
  }
  const verified = verify(message.Certificate, message, rosters, signatures)
  return Result.isSuccess(verified)
    ? Result.succeed({ ...message, DecidedAt: verified.success.newest })
    : Result.fail(verified.failure._tag)
}
