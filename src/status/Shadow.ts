import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Target } from "../domain/Target.ts"

/** A target on which this node and the cluster do not agree. */
export interface Difference {
  readonly target: Target
  /** What this node holds for true; undefined when it has no opinion. */
  readonly here: boolean | undefined
  /** What the others hold for official; undefined when they have decided nothing. */
  readonly there: boolean | undefined
  /** Since when they differ, milliseconds since the epoch. */
  readonly since: number
}

/** What a shadow has seen so far. */
export interface Comparison {
  /** With what this node compares: `the decisions on the bus`, or the URL of a monitor's `/results`. */
  readonly against: string
  /** When it compared last, milliseconds since the epoch; undefined when it could not yet, which `problem` explains. */
  readonly at: number | undefined
  readonly problem: string | undefined
  readonly compared: number
  readonly agreed: number
  /** The oldest first. */
  readonly differences: ReadonlyArray<Difference>
}

/**
 * Shadow mode: the node takes part in nothing, compares what it would have said with the official state of the cluster,
 * and shows the differences. Only nodes with `GeoDNS.Consensus.Shadow` have this service.
 */
export class Shadow extends Context.Service<Shadow, {
  readonly comparison: Effect.Effect<Comparison>
}>()("effect-geodns/status/Shadow") {}
