import * as Layer from "effect/Layer"
import { Consensus } from "../consensus/Consensus.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Prober } from "../monitor/Prober.ts"
import { participating } from "./follower.ts"

/** A monitor: checks what is configured, proposes and votes. */
export const monitor = Monitor.layer.pipe(
  Layer.provideMerge(participating(Consensus.layer)),
  Layer.provideMerge(Prober.layer)
)
