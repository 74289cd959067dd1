import * as Layer from "effect/Layer"
import { Heartbeats } from "../monitor/Heartbeats.ts"
import type { Probes } from "../monitor/Probes.ts"

/** Which probes there are for checks. */
export interface ProbeOptions {
  /** Those of this version when missing; with some of one's own: `Probes.layerWith([…])`. */
  readonly probes?: Layer.Layer<Probes | Heartbeats>
}

/** The same probes where no agent is ever heard: `heartbeat` cannot run there, and says why. */
export const withoutAgents = (probes: Layer.Layer<Probes | Heartbeats>, why: string) =>
  // Of its own: elsewhere in the process agents may well be heard.
  Layer.fresh(Layer.provideMerge(Layer.effectDiscard(Heartbeats.use(({ giveUp }) => giveUp(why))), probes))

/** Why a node that has no broker hears no agents. */
export const standaloneIsDeaf =
  "standalone hears no agents, as it has no broker: disable the check, or run a monitor, a DNS node and a collator"
