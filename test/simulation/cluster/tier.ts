import { tierOf } from "../tierOf.ts"
import { playPlan } from "./play.ts"

/** Whole clusters of the real services. */
export const tier = tierOf(playPlan)
