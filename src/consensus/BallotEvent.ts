import type { Target } from "../domain/Target.ts"
import type { FinalizeMessage, Proposal, Vote } from "../domain/wire/Consensus.ts"

/** What a ballot is told. */
export type BallotEvent =
  /** This node wants a status. `id` becomes the id of the proposal, unless the same is open already. */
  | {
    readonly _tag: "Propose"
    readonly id: string
    readonly target: Target
    readonly up: boolean
    readonly error: string
    readonly data: unknown
  }
  /** A proposal came in. */
  | { readonly _tag: "Proposal"; readonly proposal: Proposal }
  /** A vote came in. */
  | { readonly _tag: "Vote"; readonly vote: Vote }
  /** A decision came in. */
  | { readonly _tag: "Decision"; readonly message: FinalizeMessage }
  /** The monitors that are active now, and the votes that a side needs at least. */
  | { readonly _tag: "Electorate"; readonly members: ReadonlySet<string>; readonly minimumVotes: number }
  /** The answer to an `Observe`: what this node sees, undefined when it cannot judge. */
  | { readonly _tag: "Observed"; readonly id: string; readonly up: boolean | undefined }
  /** Time passes. About once a second. */
  | { readonly _tag: "Tick" }
