import type { Plan } from "../plan/Plan.ts"
import { Cluster, type Outcome } from "../world/Cluster.ts"
import { Node } from "./Node.ts"

/** Plays a plan with nodes around the pure cores. */
export const playPlan = (plan: Plan, isTold = false): Outcome =>
  new Cluster(plan, isTold, (cluster, id, role) => new Node(cluster, id, role)).run()
