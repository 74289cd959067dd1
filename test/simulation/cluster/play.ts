import type { Plan } from "../plan/Plan.ts"
import { Cluster, type Outcome } from "../world/Cluster.ts"
import { Ground } from "./Ground.ts"
import { Node } from "./Node.ts"

/** Plays a plan with the real services. */
export const playPlan = (plan: Plan, isTold = false): Outcome => {
  let ground: Ground | undefined
  const cluster = new Cluster(plan, isTold, (cluster, id, role) => new Node(ground ??= new Ground(cluster), id, role))
  const outcome = cluster.run()
  if (ground === undefined) return outcome
  ground.count()
  const at = cluster.agenda.now
  return {
    ...outcome,
    violations: [
      ...outcome.violations,
      ...ground.problems().map((text) => ({ property: "P5" as const, at, text }))
    ]
  }
}
