import type { DecisionProof } from "../domain/DecisionProof.ts"
import type { Target } from "../domain/Target.ts"

/** What the cluster decided for a target. */
export interface Decision {
  /** The id of the proposal. */
  readonly id: string
  readonly target: Target
  readonly up: boolean
  readonly error: string
  readonly data: unknown
  /** Milliseconds since the epoch, by the clock of the node that closed it. */
  readonly decidedAt: number
  /** The monitor that closed it, as far as it told. */
  readonly decidedBy: string
  /** Node id → did it agree, as far as we heard, or were told by who closed it. */
  readonly votes: Readonly<Record<string, boolean>>
  /** What proves it, where the cluster decides by certificates: then it is ordered by that, not by its time. */
  readonly proof?: DecisionProof
}

/** The official status of a target: what was decided last. */
export type Official = Decision

/**
 * A decision that changed the official status of its target, or gave it its first one. Both are down when it is another
 * outage: with proofs one sees that the end of the one before was missed.
 */
export interface StatusChange {
  readonly before: Official | undefined
  readonly after: Official
}
