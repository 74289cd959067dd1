import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { Target } from "../Target.ts"
import { Data, Flag, Id, Text, WireCheckType } from "./Field.ts"
import { Certificate, CertificateTarget, ownKey, Seal, Seq, VoteSeal } from "./Seal.ts"
import { WireTime } from "./WireTime.ts"

/** `consensus.propose`: a monitor proposes a status for a target. Older nodes send no `SenderNodeID`. */
export const Proposal = Schema.Struct({
  ID: Id,
  SenderNodeID: Text,
  CheckType: WireCheckType,
  CheckName: Id,
  MemberName: Id,
  DomainName: Text,
  Endpoint: Text,
  ProposedStatus: Flag,
  ErrorText: Text,
  Data,
  IsIPv6: Flag,
  Timestamp: WireTime,
  /** Ours: the step of the register that is proposed. */
  Seq: ownKey(Seq),
  Seal: ownKey(Seal)
})
export type Proposal = typeof Proposal.Type

/** `consensus.vote`: the voter is `NodeID`; older nodes send no `SenderNodeID`. */
export const Vote = Schema.Struct({
  ProposalID: Id,
  SenderNodeID: Text,
  NodeID: Id,
  Agree: Flag,
  Timestamp: WireTime,
  /** Ours: the step of the register that the voter judged. */
  Seq: ownKey(Seq),
  Seal: ownKey(VoteSeal),
  /** Ours: what the voter judged. With it a sealed vote counts where its proposal was lost. */
  Target: ownKey(CertificateTarget)
})
export type Vote = typeof Vote.Type

/** Votes that are told, node id → agreed. What is none is left out: no decision may be lost because of them. */
const Votes = Schema.Unknown.pipe(
  Schema.decodeTo(
    Schema.Record(Schema.String, Schema.Boolean),
    SchemaTransformation.transform<Readonly<Record<string, boolean>>, unknown>({
      decode: (told) =>
        typeof told === "object" && told !== null && !Array.isArray(told)
          ? Object.fromEntries(
            Object.entries(told).filter((entry): entry is [string, boolean] => typeof entry[1] === "boolean")
          )
          : {},
      encode: (votes) => votes
    })
  )
)

/** `consensus.finalize`: a proposal is closed, passed or not. `Votes` is of ours alone: v2 tells none, and reads none. */
export const FinalizeMessage = Schema.Struct({
  Proposal,
  SenderNodeID: Text,
  Passed: Flag,
  DecidedAt: WireTime,
  Votes: Schema.optionalKey(Votes),
  /** Ours: what proves the decision. */
  Certificate: ownKey(Certificate),
  /** Ours: who sends it signed it, where there is no certificate. */
  Seal: ownKey(Seal)
})
export type FinalizeMessage = typeof FinalizeMessage.Type

/** The target a proposal is about. */
export const proposalTarget = (p: Proposal): Target => ({
  checkType: p.CheckType,
  check: p.CheckName,
  member: p.MemberName,
  domain: p.DomainName,
  endpoint: p.Endpoint,
  ipv6: p.IsIPv6
})

/** A proposal for a target, as it goes on the wire. `at` in milliseconds since the epoch. */
export const makeProposal = (options: {
  readonly id: string
  readonly sender: string
  readonly target: Target
  readonly up: boolean
  readonly error: string
  readonly data: unknown
  readonly at: number
}): Proposal => ({
  ID: options.id,
  SenderNodeID: options.sender,
  CheckType: options.target.checkType,
  CheckName: options.target.check,
  MemberName: options.target.member,
  DomainName: options.target.domain,
  Endpoint: options.target.endpoint,
  ProposedStatus: options.up,
  ErrorText: options.error,
  Data: options.data,
  IsIPv6: options.target.ipv6,
  Timestamp: options.at
})
