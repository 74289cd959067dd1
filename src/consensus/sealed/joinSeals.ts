import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { JoinSeals } from "../../cluster/JoinSeals.ts"
import { holdsKeyOf } from "./admit.ts"
import { Sealing } from "./Sealing.ts"
import { checkJoin, sealJoin } from "./seals.ts"
import { VerifiedSignatures } from "./VerifiedSignatures.ts"

/** A join may be so far from our clock, in milliseconds: an old one says nothing about who is there. */
const maxJoinAge = 5 * 60_000

/** Joins are sealed with the key of this node, and judged by the roster. As v2's where there is no roster. */
export const joinSeals: Layer.Layer<never> = Layer.effect(
  JoinSeals,
  Effect.map(Sealing, ({ mode, rosters, signer }) => {
    const signatures = new VerifiedSignatures(1_024)
    return {
      seal: (message) =>
        rosters === undefined || signer === undefined ? message : sealJoin(signer, rosters.current().current, message),
      judge: (message, now) => {
        if (rosters === undefined || !holdsKeyOf(rosters.current(), message.sender.NodeID)) return { _tag: "Unsealed" }
        const checked = checkJoin(message, rosters.current(), signatures)
        const reason = Result.isFailure(checked)
          ? checked.failure
          : Math.abs(checked.success.time - now) > maxJoinAge
          ? "clock"
          : undefined
        if (Result.isSuccess(checked) && reason === undefined) return { _tag: "Sealed", epoch: checked.success.epoch }
        return mode === "open" ? { _tag: "Unsealed" } : { _tag: "Refused", reason: reason! }
      },
      // The first is the roster of the start.
      changes: rosters === undefined ? Stream.empty : rosters.changes.pipe(Stream.drop(1), Stream.map(() => {}))
    }
  })
)
