import { tierOf } from "../tierOf.ts"
import { playPlan } from "./play.ts"

/** Clusters of the pure cores. */
export const tier = tierOf(playPlan)
