import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Id, List } from "./Field.ts"
import { CertificateTarget, Seq } from "./Seal.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * `geodns.v1.certificates`: a node asks (`ask`) the one that it is addressed `To`, or everyone: for the certificate of a
 * `Target` from the step `Seq` on, or for a page of all, from the one with the number `From` on. Or it tells (`tell`) those
 * who are behind.
 */
export const CertificateMessage = Schema.Struct({
  Type: Schema.Literals(["ask", "tell"]),
  NodeID: Id,
  To: Schema.optionalKey(Id),
  Target: Schema.optionalKey(CertificateTarget),
  Seq: Schema.optionalKey(Seq),
  From: Count.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  /** What is told, each a `Certificate`; one that is none costs only itself. */
  Certificates: List(Schema.Unknown)
})
export type CertificateMessage = typeof CertificateMessage.Type

/** The answer to a question: what the node holds. `Next` is where to ask on, missing with the last one. */
export const CertificateAnswer = Schema.Struct({
  NodeID: Id,
  From: Count.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  Next: Schema.optionalKey(Count),
  /** Each a `Certificate`; one that is none costs only itself. */
  Certificates: List(Schema.Unknown)
})
export type CertificateAnswer = typeof CertificateAnswer.Type

/**
 * `geodns.v1.abstain`: a monitor cannot judge what a proposal is about. It has a subject of its own, as v2 would count it as a
 * no on that of the votes. It changes no decision.
 */
export const Abstention = Schema.Struct({
  ProposalID: Id,
  NodeID: Id,
  /**
   * `not-observed`: it does not check the target, or saw nothing in time; `no-judge`: it judges no such targets; `isolated`: it
   * hears no other monitor; `too-soon`: what was decided last must stand for a while; `busy`: it was made to probe too much.
   */
  Reason: Schema.Literals(["not-observed", "no-judge", "isolated", "too-soon", "busy"])
})
export type Abstention = typeof Abstention.Type
