import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Bus } from "../bus/Bus.ts"
import type { Config } from "../config/Config.ts"
import type { Target } from "../domain/Target.ts"
import type { Conditions } from "../node/Conditions.ts"
import { makeFollowedShadow, makeObservedShadow } from "./makeShadow.ts"
import type { MonitorResults } from "./MonitorResults.ts"
import type { OfficialStatus } from "./OfficialStatus.ts"
import type { Opinions } from "./Opinions.ts"
import type { Overrides } from "./Overrides.ts"

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
}>()("effect-geodns/status/Shadow") {
  /** For a monitor: compares what it sees itself with what the others decide on the bus. */
  static readonly layerObserved: Layer.Layer<
    Shadow,
    never,
    Bus | Conditions | Config | OfficialStatus | Opinions | Overrides
  > = Layer.effect(Shadow, makeObservedShadow)

  /** For a DNS node or collator: compares what it follows on the bus with the results of the configured monitor. */
  static readonly layerFollowed: Layer.Layer<Shadow, never, Conditions | Config | MonitorResults | OfficialStatus> =
    Layer.effect(Shadow, makeFollowedShadow)

  /** Always the same comparison. */
  static readonly layerMemory = (comparison: Comparison): Layer.Layer<Shadow> =>
    Layer.succeed(Shadow, Shadow.of({ comparison: Effect.succeed(comparison) }))
}
