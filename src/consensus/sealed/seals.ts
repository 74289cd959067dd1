import * as Result from "effect/Result"
import type { Target } from "../../domain/Target.ts"
import type { ClusterMessage } from "../../domain/wire/Cluster.ts"
import { type FinalizeMessage, type Proposal, proposalTarget, type Vote } from "../../domain/wire/Consensus.ts"
import type { CertificateVote, Seal, VoteSeal } from "../../domain/wire/Seal.ts"
import { toWireTime, wireTimeMillis } from "../../domain/wire/WireTime.ts"
import { statusOf } from "./Register.ts"
import type { Rosters } from "./Rosters.ts"
import { decisionBytes, joinBytes, proposalBytes, voteBytes } from "./sealedBytes.ts"
import type { Signer } from "./Signer.ts"
import type { VerifiedSignatures } from "./VerifiedSignatures.ts"

/** Why a message is not taken for what it says that it is. */
export type Unsealed =
  /** It has no seal, or none that can be read. */
  | "unsigned"
  | "other-cluster"
  | "unknown-epoch"
  | "retired-epoch"
  /** The sender is no member, or none that may send this. */
  | "not-a-member"
  /** The message contradicts itself or its seal. */
  | "mismatch"
  | "bad-signature"

/** Who signs. By its `publicKey` what it signed itself need not be checked. */
export type Sign = Pick<Signer["Service"], "id" | "sign"> & Partial<Pick<Signer["Service"], "publicKey">>
type Epoch = Pick<Rosters["current"], "cluster" | "epoch">

/** The seal of a vote: this node saw the target `up` or not at `observedAt` (milliseconds), for the step `seq`. */
export const sealVote = (signer: Sign, { cluster, epoch }: Epoch, seen: {
  readonly target: Target
  readonly seq: number
  readonly up: boolean
  readonly observedAt: number
}, signatures?: VerifiedSignatures): VoteSeal => {
  const observedAt = toWireTime(seen.observedAt)
  const bytes = voteBytes({ ...seen, cluster, epoch, voter: signer.id, observedAt })
  const sig = signer.sign(bytes)
  if (signer.publicKey !== undefined) signatures?.remember(signer.publicKey, bytes, sig)
  return { cluster, epoch, observedAt, sig }
}

/** A proposal of this node for the step `seq`, sealed. */
export const sealProposal = (signer: Sign, epoch: Epoch, proposal: Proposal, seq: number): Proposal => {
  const time = toWireTime(proposal.Timestamp)
  const sig = signer.sign(bytesOfProposal(proposal, signer.id, epoch, seq, time))
  return { ...proposal, Seq: seq, Seal: { cluster: epoch.cluster, epoch: epoch.epoch, time, sig } }
}

/** A decision of this node, sealed. */
export const sealDecision = (signer: Sign, epoch: Epoch, message: FinalizeMessage): FinalizeMessage => {
  const time = toWireTime(message.DecidedAt)
  const sig = signer.sign(bytesOfDecision(message, epoch, time))
  return { ...message, Seal: { cluster: epoch.cluster, epoch: epoch.epoch, time, sig } }
}

/** A join of this node, sealed. Its epoch tells the others which roster this node has. */
export const sealJoin = (signer: Sign, epoch: Epoch, message: ClusterMessage): ClusterMessage => {
  const time = toWireTime(message.sender.LastHeard)
  const sig = signer.sign(bytesOfJoin(message, epoch, time))
  return { ...message, Seal: { cluster: epoch.cluster, epoch: epoch.epoch, time, sig } }
}

/** A vote that was checked. */
export interface SealedVote {
  readonly epoch: number
  readonly seq: number
  /** What the voter saw. It is evidence for the step exactly when that is what the seq says. */
  readonly up: boolean
  /** Milliseconds since the epoch, as the voter says. */
  readonly observedAt: number
  /** As it stands in a certificate. */
  readonly vote: CertificateVote
}

/** Where steps are not what counts (mode `prefer`): a vote may be for another step than the proposal, or for none, 0. */
export interface StepRules {
  readonly anyStep?: boolean
}

/** Checks a vote on a proposal: by a member of the electorate, in its own name, signed over what it says. */
export const checkVote = (
  message: Vote,
  proposal: Proposal,
  rosters: Rosters,
  signatures: VerifiedSignatures,
  { anyStep = false }: StepRules = {}
): Result.Result<SealedVote, Unsealed> => {
  const isForIt = message.ProposalID === proposal.ID && (anyStep || message.Seq === proposal.Seq)
  return checkSeen(
    message,
    { target: proposalTarget(proposal), up: message.Agree === proposal.ProposedStatus, isForIt },
    rosters,
    signatures
  )
}

/** Checks a vote that names its target, whatever proposal it is on: what that proposes is what the step says. */
export const checkOwnVote = (
  message: Vote,
  target: Target,
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<SealedVote, Unsealed> => {
  const status = statusOf(message.Seq ?? 0)
  return checkSeen(
    message,
    { target, up: message.Agree === status, isForIt: status !== undefined },
    rosters,
    signatures
  )
}

const checkSeen = (
  message: Vote,
  { isForIt, target, up }: { readonly target: Target; readonly up: boolean; readonly isForIt: boolean },
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<SealedVote, Unsealed> => {
  const { NodeID: voter, Seal: seal, Seq: seq } = message
  if (seal === undefined || seq === undefined) return Result.fail("unsigned")
  const problem = checkEpoch(seal, rosters)
  if (problem !== undefined) return Result.fail(problem)
  const observedAt = wireTimeMillis(seal.observedAt)
  if (!isForIt || message.SenderNodeID !== voter || observedAt === undefined) return Result.fail("mismatch")
  const verifier = rosters.electorate(seal.epoch, target.ipv6)?.get(voter)
  if (verifier === undefined) return Result.fail("not-a-member")
  const bytes = voteBytes({ ...seal, voter, target, seq, up })
  return signatures.holds(verifier, bytes, seal.sig)
    ? Result.succeed({
      epoch: seal.epoch,
      seq,
      up,
      observedAt,
      vote: { voter, observedAt: seal.observedAt, sig: seal.sig }
    })
    : Result.fail("bad-signature")
}

/** Checks a proposal: by a monitor of the roster, for a step that says its status. Succeeds with the step. */
export const checkProposal = (
  proposal: Proposal,
  rosters: Rosters,
  signatures: VerifiedSignatures,
  { anyStep = false }: StepRules = {}
): Result.Result<{ readonly epoch: number; readonly seq: number }, Unsealed> => {
  const { Seal: seal, SenderNodeID: proposer, Seq: seq } = proposal
  if (seal === undefined || seq === undefined) return Result.fail("unsigned")
  const problem = checkEpoch(seal, rosters)
  if (problem !== undefined) return Result.fail(problem)
  const isStep = statusOf(seq) === proposal.ProposedStatus || (anyStep && seq === 0)
  if (!isStep || wireTimeMillis(seal.time) !== proposal.Timestamp) return Result.fail("mismatch")
  const verifier = rosters.electorate(seal.epoch, proposal.IsIPv6)?.get(proposer)
  if (verifier === undefined) return Result.fail("not-a-member")
  return signatures.holds(verifier, bytesOfProposal(proposal, proposer, seal, seq, seal.time), seal.sig)
    ? Result.succeed({ epoch: seal.epoch, seq })
    : Result.fail("bad-signature")
}

/** Checks a decision: by a monitor of the roster, in its own name. */
export const checkDecision = (
  message: FinalizeMessage,
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<{ readonly epoch: number }, Unsealed> => {
  const { DecidedAt: decidedAt, Proposal: proposal, Seal: seal, SenderNodeID: sender } = message
  if (seal === undefined) return Result.fail("unsigned")
  const problem = checkEpoch(seal, rosters)
  if (problem !== undefined) return Result.fail(problem)
  if (wireTimeMillis(seal.time) !== decidedAt) return Result.fail("mismatch")
  const verifier = rosters.electorate(seal.epoch, proposal.IsIPv6)?.get(sender)
  if (verifier === undefined) return Result.fail("not-a-member")
  return signatures.holds(verifier, bytesOfDecision(message, seal, seal.time), seal.sig)
    ? Result.succeed({ epoch: seal.epoch })
    : Result.fail("bad-signature")
}

/** Checks a join: by a member of any role, in the role that it has in the roster. Succeeds with the epoch that it knows. */
export const checkJoin = (
  message: ClusterMessage,
  rosters: Rosters,
  signatures: VerifiedSignatures
): Result.Result<{ readonly epoch: number; readonly time: number }, Unsealed> => {
  const { Seal: seal, sender } = message
  if (seal === undefined) return Result.fail("unsigned")
  const problem = checkEpoch(seal, rosters)
  if (problem !== undefined) return Result.fail(problem)
  const verifier = rosters.verifier(seal.epoch, sender.NodeID)
  if (verifier === undefined) return Result.fail("not-a-member")
  const role = rosters.get(seal.epoch)?.members.find(({ id }) => id === sender.NodeID)?.role
  const time = wireTimeMillis(seal.time)
  if (role !== sender.NodeRole || time === undefined) return Result.fail("mismatch")
  return signatures.holds(verifier, bytesOfJoin(message, seal, seal.time), seal.sig)
    ? Result.succeed({ epoch: seal.epoch, time })
    : Result.fail("bad-signature")
}

const checkEpoch = ({ cluster, epoch }: Pick<Seal, "cluster" | "epoch">, rosters: Rosters): Unsealed | undefined =>
  cluster !== rosters.cluster
    ? "other-cluster"
    : rosters.get(epoch) === undefined
    ? "unknown-epoch"
    : epoch < rosters.minEpoch
    ? "retired-epoch"
    : undefined

const bytesOfProposal = (proposal: Proposal, proposer: string, { cluster, epoch }: Epoch, seq: number, time: string) =>
  proposalBytes({
    cluster,
    epoch,
    proposer,
    target: proposalTarget(proposal),
    seq,
    id: proposal.ID,
    up: proposal.ProposedStatus,
    timestamp: time,
    error: proposal.ErrorText
  })

const bytesOfDecision = (
  { Passed, Proposal, SenderNodeID }: FinalizeMessage,
  { cluster, epoch }: Epoch,
  time: string
) =>
  decisionBytes({
    cluster,
    epoch,
    sender: SenderNodeID,
    target: proposalTarget(Proposal),
    id: Proposal.ID,
    up: Proposal.ProposedStatus,
    passed: Passed,
    decidedAt: time
  })

const bytesOfJoin = ({ sender }: ClusterMessage, { cluster, epoch }: Epoch, time: string) =>
  joinBytes({ cluster, epoch, id: sender.NodeID, role: sender.NodeRole, boot: sender.Boot ?? "", time })
