import type { Target } from "../../domain/Target.ts"
import type { Certificate, CertificateVote } from "../../domain/wire/Seal.ts"
import { wireTimeMillis } from "../../domain/wire/WireTime.ts"
import { maxSpread } from "./verify.ts"

/**
 * Makes a certificate of votes for one step that were checked, all saying yes, one of each voter: of those that were
 * observed within a minute the most, and of as many the newest. Undefined while that is not a quorum.
 */
export const certificateOf = (options: {
  readonly cluster: string
  readonly epoch: number
  readonly target: Target
  readonly seq: number
  readonly votes: ReadonlyArray<CertificateVote>
  readonly quorum: number
}): Certificate | undefined => {
  const timed = options.votes
    .map((vote) => ({ vote, at: wireTimeMillis(vote.observedAt) ?? Number.NaN }))
    .sort((a, b) => b.at - a.at)
  const best = timed
    .map(({ at: newest }) => timed.filter(({ at }) => at <= newest && newest - at <= maxSpread))
    .reduce((best, some) => some.length > best.length ? some : best, [])
  if (best.length < options.quorum) return undefined
  return {
    cluster: options.cluster,
    epoch: options.epoch,
    T: options.target,
    seq: options.seq,
    votes: best.map(({ vote }) => vote).sort((a, b) => a.voter < b.voter ? -1 : 1)
  }
}
