import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Target } from "../domain/Target.ts"
import type { Proposal, Vote } from "../domain/wire/Consensus.ts"
import type { Decision } from "../status/Decision.ts"

/** What happened in consensus as this node saw it, for logs, dashboards and stories. */
export type ConsensusEvent =
  | { readonly _tag: "Proposed"; readonly proposal: Proposal; readonly own: boolean }
  | { readonly _tag: "Voted"; readonly proposal: Proposal | undefined; readonly vote: Vote; readonly own: boolean }
  | { readonly _tag: "Decided"; readonly decision: Decision }
  | { readonly _tag: "Rejected"; readonly proposal: Proposal; readonly votes: Readonly<Record<string, boolean>> }

/** A proposal that is not decided yet. */
export interface OpenProposal {
  readonly proposal: Proposal
  /** Node id → agreed. */
  readonly votes: Readonly<Record<string, boolean>>
  /** Milliseconds since the epoch, by our clock. */
  readonly firstSeen: number
}

/**
 * The cluster's decision on which targets are up. Monitors propose and vote; DNS nodes and collators run the same service
 * and only observe. Decisions reach `OfficialStatus` before they are announced here.
 */
export class Consensus extends Context.Service<Consensus, {
  /** Proposes a status for a target. Proposing what is already open only votes on it again. */
  readonly propose: (options: {
    readonly target: Target
    readonly up: boolean
    readonly error: string
    readonly data: unknown
  }) => Effect.Effect<void>
  readonly proposals: Effect.Effect<ReadonlyArray<OpenProposal>>
  /** What happens from now on. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<ConsensusEvent>, never, Scope.Scope>
}>()("effect-geodns/consensus/Consensus") {}
