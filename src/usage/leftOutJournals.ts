import * as Effect from "effect/Effect"
import type { Conditions } from "../node/Conditions.ts"
import { type JournalName, nameOf } from "./journalNames.ts"

const condition = "usage:node-id"

/**
 * The journals that v2 askers did not get, because another node id is in them. The condition `usage:node-id` is raised while
 * there are any.
 */
export const makeLeftOut = (node: string, conditions: Conditions["Service"]) => {
  const nodes = new Map<string, string>()

  const report = Effect.suspend(() => {
    if (nodes.size === 0) return conditions.clear(condition)
    const ids = [...new Set(nodes.values())].slice(0, 5).map((id) => JSON.stringify(id)).join(", ")
    return conditions.raise(
      condition,
      `${nodes.size} usage journals in the work directory were counted as ${ids}, and this node is ${
        JSON.stringify(node)
      }: v2 collators do not get them from it, since they would bill them twice. Collators of this version and its own store `
        + "do, under that id. If the node got a new id, let v2 collators collect under the old one before; if the directory "
        + "is a copy of that of another node, nothing is missing. It goes with those journals, after five weeks"
    )
  })

  return {
    /** Forgets those that are not among all there are. */
    onlyOf: (all: ReadonlyArray<JournalName>) =>
      Effect.suspend(() => {
        const there = new Set(all.map(nameOf))
        for (const name of nodes.keys()) if (!there.has(name)) nodes.delete(name)
        return report
      }),
    /** This journal of another node was left out. */
    add: (journal: JournalName, of: string) =>
      Effect.suspend(() => {
        nodes.set(nameOf(journal), of)
        return report
      })
  }
}
