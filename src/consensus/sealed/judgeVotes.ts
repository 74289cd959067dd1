import type { Certificate, CertificateVote } from "../../domain/wire/Seal.ts"
import { statusOf } from "./Register.ts"
import type { Rosters } from "./Rosters.ts"
import { certifiedBytes, countedVotes } from "./verify.ts"

/** What one vote of a certificate is worth. */
export interface JudgedVote {
  readonly vote: CertificateVote
  readonly verdict:
    /** Truly signed by a member able to judge the target: it counts. */
    | "signed"
    /** The signature is not that member's over this vote. */
    | "forged"
    /** The voter has voted before. */
    | "second"
    /** The voter is none of those who can judge the target. */
    | "stranger"
    /** The roster is not known, or the seq says no status. */
    | "unknown"
}

/** Each vote of a certificate by itself, for people. Whether it proves anything only `verify` says. */
export const judgeVotes = (certificate: Certificate, rosters: Rosters): ReadonlyArray<JudgedVote> => {
  const electorate = rosters.electorate(certificate.epoch, certificate.T.ipv6)
  const up = statusOf(certificate.seq)
  if (electorate === undefined || up === undefined) {
    return certificate.votes.map((vote) => ({ vote, verdict: "unknown" }))
  }
  const counted = new Map(countedVotes(certificate.votes, electorate).map((one) => [one.vote, one.verifier]))
  return certificate.votes.map((vote) => {
    const verifier = counted.get(vote)
    const verdict = verifier !== undefined
      ? verifier.verify(certifiedBytes(certificate, vote, up), vote.sig) ? "signed" : "forged"
      : electorate.has(vote.voter)
      ? "second"
      : "stranger"
    return { vote, verdict }
  })
}
