import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
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
}>()("effect-geodns/node/NodeIdentity") {
  /** The identity of a node that starts now, with a new random boot id. */
  static readonly layer = (
    options: { readonly id: string; readonly role: NodeRole }
  ): Layer.Layer<NodeIdentity> => identity(options, () => randomUUID())

  /** The same with a boot id that follows from the node's id, so that a run can be repeated exactly. */
  static readonly layerMemory = (
    options: { readonly id: string; readonly role: NodeRole }
  ): Layer.Layer<NodeIdentity> => identity(options, () => `boot-${options.id}`)
}

const identity = (
  options: { readonly id: string; readonly role: NodeRole },
  boot: () => string
): Layer.Layer<NodeIdentity> =>
  Layer.effect(
    NodeIdentity,
    Effect.map(
      Clock.currentTimeMillis,
      (startedAt) => NodeIdentity.of({ id: options.id, role: options.role, boot: boot(), startedAt })
    )
  )
