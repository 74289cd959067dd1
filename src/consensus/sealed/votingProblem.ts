import type { NodeRole } from "../../domain/wire/Cluster.ts"
import type { Roster } from "./Roster.ts"

/**
 * Why nobody counts what a node says as its own by a roster, for people; undefined when it fits. `publicKey`: that of the key that it
 * signs with, if it has one.
 */
export const votingProblem = (
  roster: Roster,
  node: { readonly id: string; readonly role: NodeRole },
  publicKey: string | undefined
): string | undefined => {
  const member = roster.members.find(({ id }) => id === node.id)
  const of = `the roster of epoch ${roster.epoch}`
  if (member === undefined) {
    return `${node.id} is not in ${of} ("geodns roster add" puts it there)`
  }
  if (member.role !== node.role) return `${of} has ${node.id} as ${member.role}, and it runs as ${node.role}`
  if (publicKey === undefined) return `${of} has a key for ${node.id}, and this node has none: name its file in KeyFile`
  if (member.key !== publicKey) {
    return `${of} has another key for ${node.id} than the one of its file, ${publicKey}`
  }
  return undefined
}
