import type { Target } from "../domain/Target.ts"
import type { FinalizeMessage, Proposal, Vote } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import type { Rosters } from "./sealed/Rosters.ts"

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
  /** The monitors that vote now, those of them that judge IPv6 (all when missing), and the votes that a side needs at least. */
  | {
    readonly _tag: "Electorate"
    readonly members: ReadonlySet<string>
    readonly ipv6?: ReadonlySet<string>
    readonly minimumVotes: number
  }
  /**
   * The answer to an `Observe`: what this node sees, undefined when it cannot judge, and when it saw that, in milliseconds since
   * the epoch.
   */
  | { readonly _tag: "Observed"; readonly id: string; readonly up: boolean | undefined; readonly observedAt?: number }
  /**
   * Sealed: a certificate came from a peer, on its own. `unasked`: nobody here had asked for it; else `from` is who was asked, as far
   * as is known. `message` is what was told beside it, and no evidence.
   */
  | {
    readonly _tag: "Certificate"
    readonly certificate: Certificate
    readonly unasked?: boolean
    readonly from?: string
    readonly message?: FinalizeMessage
  }
  /** Sealed: a certificate that this node verified and kept before it was started again. */
  | { readonly _tag: "Restore"; readonly certificate: Certificate }
  /** Sealed: the rosters changed. */
  | { readonly _tag: "Rosters"; readonly rosters: Rosters }
  /** Sealed: whether this node hears the others. While it does not, it neither proposes nor votes. */
  | { readonly _tag: "Isolated"; readonly isolated: boolean }
  /** The configuration is another one: proposals for targets that it does not know (any more) are closed. */
  | { readonly _tag: "Targets"; readonly knows: (target: Target) => boolean }
  /** Time passes. About once a second. */
  | { readonly _tag: "Tick" }
