import type { Target } from "../domain/Target.ts"
import type { FinalizeMessage, Proposal, Vote } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import type { Decision } from "../status/Decision.ts"
import type { Invalid } from "./sealed/Invalid.ts"
import type { Unsealed } from "./sealed/seals.ts"

/** Why something that came in was not taken. */
export type DropReason =
  /** There is no room for more. */
  | "full"
  /** It contradicts what is known under its id, or the sender is not the one it speaks for. */
  | "mismatch"
  /** Its names are too long to be real. */
  | "too-long"
  /** It claims to be from this node. */
  | "own-id"
  /** It is decided, and forgotten but for that. */
  | "replay"
  /** Its time is too far from our clock: that of a decision or proposal five minutes, that of an observation one. */
  | "clock"
  /** Sealed: it is not signed as it must be. */
  | Unsealed
  /** Sealed: its certificate proves nothing. */
  | Invalid["_tag"]
  /** Sealed: it is of another epoch than ours. */
  | "other-epoch"
  /** Sealed: it is for a step that cannot be taken from where we stand. */
  | "step"
  /** Sealed: it is a decision without a certificate. */
  | "unproven"
  /** Sealed: so many wrong signatures came in the name of its sender within this second that this one was not looked at. */
  | "unchecked"
  /** Sealed: it is a vote that does not say its target, on a proposal that is not known here. */
  | "unknown-proposal"
  /** Sealed: our configuration does not know its target. */
  | "unknown-target"
  /** Sealed: it is a second one of its sender for one step, or of outsiders for one target. */
  | "second"

/** Why a voter does not judge what is proposed. */
export type AbstainReason =
  /** It sees nothing of the target now. */
  | "not-observed"
  /** It does not judge such targets: by the roster, or because it has no key. */
  | "no-judge"
  /** It does not hear the others, or has not caught up with them. */
  | "isolated"
  /** What was decided last must stand for a while. */
  | "too-soon"

/** What a ballot wants done, in order. */
export type BallotEffect =
  | { readonly _tag: "PublishProposal"; readonly proposal: Proposal }
  | { readonly _tag: "PublishVote"; readonly vote: Vote }
  | { readonly _tag: "PublishDecision"; readonly message: FinalizeMessage }
  /** Look at the target, and answer with `Observed`. `up` is what is proposed, `from` who proposes it. */
  | {
    readonly _tag: "Observe"
    readonly id: string
    readonly target: Target
    readonly up: boolean
    readonly from?: string
    /** What was seen before that, in milliseconds since the epoch, does not count: it led to what is decided. */
    readonly since?: number
  }
  /** A decision for the official status. */
  | {
    readonly _tag: "Apply"
    readonly decision: Decision
    /** The same proposal closed by another node at a later time: nothing new happened. */
    readonly again: boolean
    /** Milliseconds since we first saw the proposal; undefined when we never saw it. */
    readonly openFor: number | undefined
  }
  /** A proposal was taken. */
  | { readonly _tag: "Proposed"; readonly proposal: Proposal; readonly own: boolean }
  /** A vote was taken; the proposal is undefined while it has not come. */
  | { readonly _tag: "Voted"; readonly proposal: Proposal | undefined; readonly vote: Vote; readonly own: boolean }
  /** This node cannot judge the target, and does not vote for now. */
  | { readonly _tag: "Abstained"; readonly proposal: Proposal; readonly reason?: AbstainReason }
  /** Sealed: keep the certificate on disk, before anything follows from it. */
  | { readonly _tag: "Persist"; readonly certificate: Certificate }
  /** Sealed: somebody (`from`, `""` for whoever) stands at `seq`, which is ahead of us: ask for its certificate. */
  | { readonly _tag: "Fetch"; readonly target: Target; readonly seq: number; readonly from: string }
  /** Sealed: tell who is behind what we hold. */
  | { readonly _tag: "PublishCertificate"; readonly certificate: Certificate }
  /** Sealed: a peer that is no member decided otherwise than we hold (`differs`), or as we hold again. */
  | { readonly _tag: "Foreign"; readonly target: Target; readonly up: boolean; readonly differs: boolean }
  /** A proposal was closed without being passed. */
  | {
    readonly _tag: "Rejected"
    readonly proposal: Proposal
    readonly votes: Readonly<Record<string, boolean>>
    /**
     * A majority against it; all votes, and no majority; no majority in time; another proposal for its target was decided before
     * it; or the configuration has its target no more.
     */
    readonly reason: "voted-down" | "split" | "expired" | "superseded" | "removed"
  }
  /** Something that came in was not taken. */
  | {
    readonly _tag: "Dropped"
    readonly what: "proposal" | "vote" | "decision"
    readonly reason: DropReason
    readonly sender: string
    /** With "clock": how far its time is ahead of our clock, in milliseconds. Whoever sends an old message again also shows one. */
    readonly skew?: number
  }
