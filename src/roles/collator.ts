import * as Layer from "effect/Layer"
import { Alerts } from "../alerts/Alerts.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { follower } from "./follower.ts"

/** What remembers and tells: outages into the store, alerts to people. */
export const recording = Alerts.layer.pipe(Layer.provideMerge(OutageLog.layer))

/** A collator: follows the decisions, keeps the outages, alerts. */
export const collator = recording.pipe(Layer.provideMerge(follower))
