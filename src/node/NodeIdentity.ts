import * as Context from "effect/Context"
import type { NodeRole } from "../domain/wire/Cluster.ts"

/** Who this node is. One per role: two roles in one process are two nodes with two ids. */
export class NodeIdentity extends Context.Service<NodeIdentity, {
  /** `Nats.NodeID`: the name that votes, usage and outages carry. */
  readonly id: string
  readonly role: NodeRole
  /** Random per process start: two nodes with one id are told apart by it. */
  readonly boot: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}>()("effect-geodns/node/NodeIdentity") {}
