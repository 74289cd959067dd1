import type { OpenProposal } from "./Ballot.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import type { SeqDigest } from "./sealed/RegisterDigest.ts"

/** What the consensus service needs of a pure core: events go in, effects come out, deterministic, all of its state bounded. */
export interface BallotCore {
  /** Takes an event at `now`, milliseconds since the epoch. Events that a core does not know change nothing. */
  readonly handle: (event: BallotEvent, now: number) => ReadonlyArray<BallotEffect>
  /** The proposals that are open, in the order in which they came. */
  readonly proposals: () => ReadonlyArray<OpenProposal>
  /** How much is kept, for tests and metrics. */
  readonly size: () => { readonly open: number }
  /** Sealed: the number of registers, and a hash of all (target, seq). */
  readonly digest?: () => SeqDigest
  /** Sealed: whether no more certificates of a node that was asked are looked at within this second. */
  readonly isUnchecked?: (node: string, now: number) => boolean
}
