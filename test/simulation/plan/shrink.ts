import type { Violation } from "../world/Watch.ts"
import type { Plan } from "./Plan.ts"

/** Runs that shrinking may take. */
const maxRuns = 400

/** A smaller plan that breaks the same property: incidents, targets and followers are left out while it still does. */
export const shrink = (plan: Plan, violationsOf: (plan: Plan) => ReadonlyArray<Violation>): Plan => {
  const [first] = violationsOf(plan)
  if (first === undefined) return plan
  let smallest = plan
  let runs = 0
  const tries = (next: Plan): boolean => {
    if (runs++ > maxRuns || violationsOf(next)[0]?.property !== first.property) return false
    smallest = next
    return true
  }
  for (let size = Math.ceil(plan.incidents.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let i = smallest.incidents.length - size; i > -size; i -= size) {
      const from = Math.max(0, i)
      tries({ ...smallest, incidents: smallest.incidents.filter((_, k) => k < from || k >= i + size) })
    }
    // Once more one by one, as one may be needed only with another.
    if (size === 1) {
      for (let i = smallest.incidents.length - 1; i >= 0; i--) {
        tries({ ...smallest, incidents: smallest.incidents.filter((_, k) => k !== i) })
      }
    }
  }
  for (let i = smallest.targets.length - 1; i >= 1; i--) {
    tries({ ...smallest, targets: smallest.targets.slice(0, i) })
  }
  for (const follower of smallest.followers) {
    tries({ ...smallest, followers: smallest.followers.filter((id) => id !== follower) })
  }
  return smallest
}
