import type { Target } from "../../domain/Target.ts"
import type { FinalizeMessage } from "../../domain/wire/Consensus.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import type { Invalid } from "./Invalid.ts"

/** What registers are told. */
export type RegisterEvent =
  /** A certificate came, in a decision or in an answer of a peer (without `message`). */
  | { readonly _tag: "Certificate"; readonly certificate: Certificate; readonly message?: FinalizeMessage }
  /** A certificate that this node verified and kept before it was started again. */
  | { readonly _tag: "Restore"; readonly certificate: Certificate }
  /** Somebody showed that it may stand below us. */
  | { readonly _tag: "Behind"; readonly target: Target }
  /** Time passes. About once a second. */
  | { readonly _tag: "Tick" }

/** A step that a register took. */
export interface RegisterStep {
  readonly target: Target
  readonly seq: number
  readonly up: boolean
  readonly certificate: Certificate
  /** What it came with; its error text and data are no evidence. */
  readonly message: FinalizeMessage | undefined
}

/** What registers want done, in order. */
export type RegisterEffect =
  /** Keep the certificate on disk, before anything follows from it. */
  | { readonly _tag: "Persist"; readonly certificate: Certificate }
  /** Let the official status, steering, outages and alerts follow. The same (T, seq) may come again after a restart. */
  | {
    readonly _tag: "Apply"
    readonly step: RegisterStep
    /** It was learnt long after it was observed: an outage of it is marked so. */
    readonly late: boolean
  }
  /** The seq is taken; what follows from it waits until then, and for no higher one. Milliseconds since the epoch. */
  | { readonly _tag: "AdoptLate"; readonly step: RegisterStep; readonly until: number }
  /** The step that it stands at is proved again, in an epoch that counts: nothing follows from that. */
  | { readonly _tag: "Renewed"; readonly target: Target; readonly seq: number }
  /** Tell who is behind: the certificate that we hold. */
  | { readonly _tag: "AnswerMine"; readonly certificate: Certificate }
  /** Nothing is to be done. */
  | {
    readonly _tag: "Ignore"
    readonly reason:
      /** We stand there. */
      | "same"
      /** We are further, and said so a moment ago. */
      | "lower"
      /** The configuration does not know the target. */
      | "unknown-target"
      /** There is no room for another register. */
      | "full"
  }
  /** It proves nothing. */
  | { readonly _tag: "DropInvalid"; readonly reason: Invalid }
