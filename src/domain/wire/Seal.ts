import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CheckType } from "../Target.ts"
import { Id } from "./Field.ts"
import { wireTimeMillis } from "./WireTime.ts"

const name = Schema.String.check(Schema.isMaxLength(256))

/** An Ed25519 signature has 94 characters. */
const SignatureText = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(128))

/** The longest name of a cluster: it stands in every vote. */
export const maxClusterName = 64

const ClusterName = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maxClusterName))

/** A number that is signed: whole, never negative, exact in every JSON reader. */
const Whole = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A time that is signed, as the text that is sent: RFC 3339, never re-written. */
const SignedTime = Schema.String.check(
  Schema.isMaxLength(40),
  Schema.makeFilter<string>((text) => wireTimeMillis(text) !== undefined, { expected: "an RFC 3339 time" })
)

/** The number of a register that a proposal or vote is about. */
export const Seq = Whole
export type Seq = typeof Seq.Type

/** `Seal` of a proposal or a join: who sends it signed it, at `time`, by the roster of `epoch`. */
export const Seal = Schema.Struct({ cluster: ClusterName, epoch: Whole, time: SignedTime, sig: SignatureText })
export type Seal = typeof Seal.Type

/** `Seal` of a vote: what the voter saw at `observedAt` is signed, whatever proposal it is for. */
export const VoteSeal = Schema.Struct({
  cluster: ClusterName,
  epoch: Whole,
  observedAt: SignedTime,
  sig: SignatureText
})
export type VoteSeal = typeof VoteSeal.Type

/** The target of a certificate or a sealed vote, no part of it longer than in a proposal. */
export const CertificateTarget = Schema.Struct({
  checkType: CheckType,
  check: Id,
  member: Id,
  domain: name,
  endpoint: Schema.String.check(Schema.isMaxLength(2_048)),
  ipv6: Schema.Boolean
})

/** One signed vote of a certificate. It says yes: what `seq` says is what the voter saw. */
export const CertificateVote = Schema.Struct({ voter: Id, observedAt: SignedTime, sig: SignatureText })
export type CertificateVote = typeof CertificateVote.Type

/** Votes of one certificate, and members of one roster. */
export const maxVoters = 64

/** What proves a decision: signed observations of the target `T`, for the step `seq` of its register. */
export const Certificate = Schema.Struct({
  cluster: ClusterName,
  epoch: Whole,
  T: CertificateTarget,
  seq: Whole,
  votes: Schema.Array(CertificateVote).check(Schema.isMaxLength(maxVoters))
})
export type Certificate = typeof Certificate.Type

/**
 * A key of ours in a message of v2. What is malformed is as if it were not there: in `open` no message may be lost
 * because of it, and where a seal is needed the message counts as unsigned.
 */
export const ownKey = <S extends Schema.Constraint>(schema: S) =>
  Schema.optionalKey(Schema.catchDecoding<S>(() => Effect.succeed(Option.none()))(schema))
