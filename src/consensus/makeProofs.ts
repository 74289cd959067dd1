import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type FinalizeMessage, makeProposal } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import { wireTimeMillis } from "../domain/wire/WireTime.ts"
import type { ProofsShape } from "../status/Proofs.ts"
import type { BallotCore } from "./BallotCore.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import { fitProposal } from "./Limits.ts"
import { holdsKeyOf } from "./sealed/admit.ts"
import { decisionIdOf } from "./sealed/decisionIdOf.ts"
import { statusOf } from "./sealed/Register.ts"
import type { Sealing } from "./sealed/Sealing.ts"

const none = { count: 0, hash: "0".repeat(32) }

/** As it would have come with the decision: what was told beside the proof. */
const messageOf = (certificate: Certificate, error: string): FinalizeMessage | undefined => {
  const at = Math.max(...certificate.votes.map(({ observedAt }) => wireTimeMillis(observedAt) ?? 0), 0)
  const proposal = fitProposal(makeProposal({
    id: decisionIdOf(certificate.T, certificate.seq),
    sender: "",
    target: certificate.T,
    up: statusOf(certificate.seq) ?? false,
    error,
    data: null,
    at
  }))
  return proposal && { Proposal: proposal, SenderNodeID: "", Passed: true, DecidedAt: at, Certificate: certificate }
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
      changes: Stream.empty,
      certificateOf: () => Effect.undefined,
      certificates: Effect.succeed([]),
      digest: Effect.succeed(none),
      offer: () => Effect.succeed("refused")
    }
  }
  const { certificates } = sealing
  return {
    isRequired: true,
    isMember,
    // The first is the roster of the start.
    changes: sealing.rosters.changes.pipe(Stream.drop(1), Stream.map(() => {})),
    certificateOf: (target) => Effect.sync(() => certificates.get(target)),
    certificates: Effect.sync(() => certificates.all()),
    digest: Effect.sync(() => core.digest?.() ?? none),
    offer: Effect.fnUntraced(function*(certificate, { error, from = "" } = { error: "" }) {
      const seq = () => certificates.get(certificate.T)?.seq ?? 0
      const isUnchecked = Effect.map(Clock.currentTimeMillis, (now) => core.isUnchecked?.(from, now) === true)
      const before = seq()
      const message = error === "" ? undefined : messageOf(certificate, error)
      // By then the second in which it was left may be over.
      const wasUnchecked = yield* isUnchecked
      yield* handle({ _tag: "Certificate", certificate, from, ...message && { message } })
      if (seq() > before) return "taken"
      return wasUnchecked || (yield* isUnchecked) ? "unchecked" : "refused"
    })
  }
}
