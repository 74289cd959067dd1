import type { Target } from "../domain/Target.ts"
import { Ballot } from "./Ballot.ts"
import type { BallotCore } from "./BallotCore.ts"
import { PreferBallot } from "./sealed/PreferBallot.ts"
import { SealedBallot } from "./sealed/SealedBallot.ts"
import type { Sealing } from "./sealed/Sealing.ts"

/** The core of a mode, as the table in `docs/consensus.md` has it. */
export const makeCore = (sealing: Sealing, options: {
  readonly node: string
  readonly isVoter: boolean
  /** Whether the configuration has a target. */
  readonly knows: (target: Target) => boolean
  /** How long a decided status of a target lasts at least, in milliseconds. */
  readonly minimumTime: (target: Target) => number
}): BallotCore => {
  const { isVoter, node } = options
  if (sealing.mode === "require") {
    const { rosters, signer } = sealing
    return new SealedBallot({ ...options, rosters: rosters.current(), signer })
  }
  const ballot = new Ballot({ node, isVoter })
  return sealing.rosters === undefined
    ? ballot
    : new PreferBallot({
      ballot,
      isGated: sealing.mode === "prefer",
      rosters: sealing.rosters.current(),
      signer: sealing.signer
    })
}
