import * as Effect from "effect/Effect"
import { makeProposal } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import { wireTimeMillis } from "../domain/wire/WireTime.ts"
import type { ProofsShape } from "../status/Proofs.ts"
import type { BallotCore } from "./BallotCore.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import { holdsKeyOf } from "./sealed/admit.ts"
import { decisionIdOf } from "./sealed/decisionIdOf.ts"
import { statusOf } from "./sealed/Register.ts"
import type { Sealing } from "./sealed/Sealing.ts"

const none = { count: 0, hash: "0".repeat(32) }

/** As it would have come with the decision: what was told beside the proof. */
const eventOf = (certificate: Certificate, error: string): BallotEvent => {
  const at = Math.max(...certificate.votes.map(({ observedAt }) => wireTimeMillis(observedAt) ?? 0), 0)
  return {
    _tag: "Decision",
    message: {
      Proposal: makeProposal({
        id: decisionIdOf(certificate.T, certificate.seq),
        sender: "",
        target: certificate.T,
        up: statusOf(certificate.seq) ?? false,
        error,
        data: null,
        at
      }),
      SenderNodeID: "",
      Passed: true,
      DecidedAt: at,
      Certificate: certificate
    }
  }
}

/** What consensus gives to those who take over the official status from elsewhere. */
export const makeProofs = (
  sealing: Sealing,
  core: BallotCore,
  handle: (event: BallotEvent) => Effect.Effect<void>
): ProofsShape => {
  const { rosters } = sealing
  const isMember = (node: string) => rosters !== undefined && holdsKeyOf(rosters.current(), node)
  if (sealing.mode !== "require") {
    return {
      isRequired: false,
      isMember,
      certificateOf: () => Effect.undefined,
      certificates: Effect.succeed([]),
      digest: Effect.succeed(none),
      offer: () => Effect.succeed(false)
    }
  }
  const { certificates } = sealing
  return {
    isRequired: true,
    isMember,
    certificateOf: (target) => Effect.sync(() => certificates.get(target)),
    certificates: Effect.sync(() => certificates.all()),
    digest: Effect.sync(() => core.digest?.() ?? none),
    offer: (certificate, told) =>
      Effect.suspend(() => {
        const seq = () => certificates.get(certificate.T)?.seq ?? 0
        const before = seq()
        const error = told?.error ?? ""
        return Effect.map(
          handle(error === "" ? { _tag: "Certificate", certificate } : eventOf(certificate, error)),
          () => seq() > before
        )
      })
  }
}
