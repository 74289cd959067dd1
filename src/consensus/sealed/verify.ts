import * as Result from "effect/Result"
import { type Target, targetKey } from "../../domain/Target.ts"
import { type FinalizeMessage, proposalTarget } from "../../domain/wire/Consensus.ts"
import type { Certificate, CertificateVote } from "../../domain/wire/Seal.ts"
import { wireTimeMillis } from "../../domain/wire/WireTime.ts"
import type { Invalid } from "./Invalid.ts"
import { statusOf } from "./Register.ts"
import { quorum } from "./Roster.ts"
import type { Rosters } from "./Rosters.ts"
import { voteBytes } from "./sealedBytes.ts"
import { VerifiedSignatures } from "./VerifiedSignatures.ts"
import type { Verifier } from "./Verifier.ts"

/** The observations of one certificate are at most so far apart, in milliseconds. */
export const maxSpread = 60_000

/** A vote that counts: the first of a member of the electorate. Its signature is not checked yet. */
export interface CountedVote {
  readonly vote: CertificateVote
  readonly verifier: Verifier
}

/** What a certificate proves. */
export interface Proof {
  readonly target: Target
  readonly seq: number
  readonly up: boolean
  /** Members able to judge the target, and how many of them it took. */
  readonly electorate: number
  readonly quorum: number
  /** Who saw it, and when: milliseconds since the epoch, as the voters say. */
  readonly votes: ReadonlyArray<{ readonly voter: string; readonly observedAt: number }>
  readonly oldest: number
  readonly newest: number
  /** What is kept and passed on: without the votes that do not count, which anybody can add. */
  readonly certificate: Certificate
}

/** The votes that could count. Strangers and second votes are left out here, before a signature is looked at. */
export const countedVotes = (
  votes: ReadonlyArray<CertificateVote>,
  electorate: ReadonlyMap<string, Verifier>
): ReadonlyArray<CountedVote> => {
  const counted = new Map<string, CountedVote>()
  for (const vote of votes) {
    const verifier = electorate.get(vote.voter)
    if (verifier !== undefined && !counted.has(vote.voter)) counted.set(vote.voter, { vote, verifier })
  }
  return [...counted.values()]
}

/** The bytes that a vote of a certificate has signed: it saw what the seq says. */
export const certifiedBytes = (certificate: Certificate, vote: CertificateVote, up: boolean): string =>
  voteBytes({
    cluster: certificate.cluster,
    epoch: certificate.epoch,
    voter: vote.voter,
    target: certificate.T,
    seq: certificate.seq,
    up,
    observedAt: vote.observedAt
  })

/**
 * Whether a certificate proves a decision, and the one that `message` tells if it came with one. The same for everybody who
 * knows the same rosters, on line or not: no clock, no trust in who sent it. `signatures` only saves work.
 */
export const verify = (
  certificate: Certificate,
  message: FinalizeMessage | undefined,
  rosters: Rosters,
  signatures: VerifiedSignatures = new VerifiedSignatures()
): Result.Result<Proof, Invalid> => {
  const { T: target, cluster, epoch, seq } = certificate

  if (cluster !== rosters.cluster) return Result.fail({ _tag: "OtherCluster", cluster, ours: rosters.cluster })
  const electorate = rosters.electorate(epoch, target.ipv6)
  if (electorate === undefined) {
    return Result.fail({ _tag: "UnknownEpoch", epoch, current: rosters.current.epoch })
  }
  if (epoch < rosters.minEpoch) return Result.fail({ _tag: "RetiredEpoch", epoch, minEpoch: rosters.minEpoch })

  const up = statusOf(seq)
  if (up === undefined) return Result.fail({ _tag: "NoStatus", seq })
  if (message !== undefined) {
    if (!message.Passed) return Result.fail({ _tag: "NotPassed" })
    if (targetKey(proposalTarget(message.Proposal)) !== targetKey(target)) return Result.fail({ _tag: "OtherTarget" })
    if (message.Proposal.ProposedStatus !== up) return Result.fail({ _tag: "OtherStatus", up })
  }

  const counted = countedVotes(certificate.votes, electorate)
  const needed = quorum(electorate.size)
  if (counted.length < needed) {
    return Result.fail({
      _tag: "TooFewVotes",
      votes: counted.length,
      quorum: needed,
      electorate: electorate.size
    })
  }

  const votes: Array<Proof["votes"][number]> = []
  for (const { vote: { observedAt, voter } } of counted) {
    const at = wireTimeMillis(observedAt)
    if (at === undefined) return Result.fail({ _tag: "NotATime", voter, observedAt })
    votes.push({ voter, observedAt: at })
  }
  const times = votes.map(({ observedAt }) => observedAt)
  const [oldest, newest] = [Math.min(...times), Math.max(...times)]
  if (newest - oldest > maxSpread) {
    return Result.fail({ _tag: "FarApart", millis: newest - oldest, limit: maxSpread })
  }

  // Last, as they are dear: a forgery costs one check.
  for (const { verifier, vote } of counted) {
    if (!signatures.holds(verifier, certifiedBytes(certificate, vote, up), vote.sig)) {
      return Result.fail({ _tag: "BadSignature", voter: vote.voter })
    }
  }
  return Result.succeed({
    target,
    seq,
    up,
    electorate: electorate.size,
    quorum: needed,
    votes,
    oldest,
    newest,
    certificate: { ...certificate, votes: counted.map(({ vote }) => vote) }
  })
}
