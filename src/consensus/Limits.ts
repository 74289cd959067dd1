import { clip } from "../domain/clip.ts"
import type { Proposal } from "../domain/wire/Consensus.ts"

/**
 * What a ballot keeps at most, whatever is sent to it.
 *
 * A proposal weighs 512 and its characters, a vote 64 and the characters of its voter.
 */
export interface BallotLimits {
  /** The weight of all proposals and their votes. Our own proposals, and votes of the electorate, may go above it. */
  readonly weight: number
  /** The weight that nothing but our own proposals and votes may go above. */
  readonly hardWeight: number
  /** The weight of the open proposals of one sender. */
  readonly senderWeight: number
  /** Proposal ids that are remembered as decided. */
  readonly decided: number
  /** Proposals that are not here yet for which votes are kept. */
  readonly earlyProposals: number
  /** Votes that are kept for each of those, and votes of nodes outside the electorate for an open one. */
  readonly strangers: number
  /** Targets whose last decision time is remembered, for the five minutes in which it matters. */
  readonly targets: number
}

/** Room for a cold start of 30,000 targets among 7 monitors; in the worst case some 200 MB. */
export const ballotLimits: BallotLimits = {
  weight: 64 * 1024 * 1024,
  hardWeight: 128 * 1024 * 1024,
  senderWeight: 32 * 1024 * 1024,
  decided: 131_072,
  earlyProposals: 8_192,
  strangers: 32,
  targets: 131_072
}

/** Ids and names, in characters. */
const maxName = 256
const maxEndpoint = 2_048
const maxError = 1_024
/** What a probe measured, in characters and values. */
const maxData = 4_096
/** A seal as the wire lets it pass, in characters. */
const maxSeal = 256

/** The weight of a proposal. */
export const proposalWeight = (p: Proposal): number =>
  512 + p.ID.length + p.SenderNodeID.length + p.CheckName.length + p.MemberName.length + p.DomainName.length +
  p.Endpoint.length + p.ErrorText.length + (p.Data === null ? 0 : maxData) + (p.Seal === undefined ? 0 : maxSeal)

/** The weight of a vote. */
export const voteWeight = (node: string): number => 64 + node.length

/** The weight of votes that are told with a decision. */
export const votesWeight = (votes: Readonly<Record<string, boolean>>): number =>
  Object.keys(votes).reduce((sum, node) => sum + voteWeight(node), 0)

/** Votes that are told, and believed, with one decision. */
const maxTold = 64

/** As many of the votes as are told with a decision, those for it first. */
export const fitVotes = (votes: Readonly<Record<string, boolean>>): Readonly<Record<string, boolean>> => {
  const all = Object.entries(votes)
  if (all.length <= maxTold) return votes
  const [yes, no] = [all.filter(([, agree]) => agree), all.filter(([, agree]) => !agree)]
  return Object.fromEntries([...yes, ...no].slice(0, maxTold))
}

/** Whether a name or id is short enough. */
export const isName = (name: string): boolean => name.length <= maxName

/**
 * A proposal cut to size: the error text is cut, data that is too much left out. Undefined when what identifies it is
 * too long to be real.
 */
export const fitProposal = (p: Proposal): Proposal | undefined => {
  const names = isName(p.ID) && isName(p.SenderNodeID) && isName(p.CheckName) && isName(p.MemberName) &&
    isName(p.DomainName)
  if (!names || p.Endpoint.length > maxEndpoint) return undefined
  const fits = p.ErrorText.length <= maxError
  const data = isSmall(p.Data)
  return fits && data ? p : {
    ...p,
    ErrorText: clip(p.ErrorText, maxError),
    Data: data ? p.Data : null
  }
}

/** Whether a JSON value is small, looking at no more of it than that takes. */
const isSmall = (data: unknown): boolean => {
  if (data === null) return true
  const rest: Array<unknown> = [data]
  let weight = 0
  while (rest.length > 0) {
    const value = rest.pop()
    weight += typeof value === "string" ? value.length + 2 : 8
    if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        weight += key.length + 4
        rest.push(inner)
        if (weight > maxData) return false
      }
    }
    if (weight > maxData) return false
  }
  return true
}
