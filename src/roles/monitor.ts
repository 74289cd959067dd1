import * as Layer from "effect/Layer"
import { Monitor } from "../monitor/Monitor.ts"
import { Prober } from "../monitor/Prober.ts"
import { participant } from "./follower.ts"

/** A monitor: checks what is configured, proposes and votes. */
export const monitor = Monitor.layer.pipe(
  Layer.provideMerge(participant),
  Layer.provideMerge(Prober.layer)
)
