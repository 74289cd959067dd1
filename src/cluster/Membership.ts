import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Bus, type BusError } from "../bus/Bus.ts"
import type { MemoryBroker } from "../bus/MemoryBroker.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { type Announcement, makeMembership } from "./makeMembership.ts"

/** A node that we heard of. */
export interface NodeEntry {
  readonly id: string
  /** `IBPMonitor`, `IBPDns`, `IBPCollator`, or whatever it calls itself; `""` when nothing tells. */
  readonly role: string
  /** The role was guessed from the id or from what it sends; the node has not announced itself. */
  readonly guessed: boolean
  /** `host:port` as announced, or `""`. */
  readonly address: string
  readonly boot: string | undefined
  /** Of the roster that it goes by, as it signed; missing for who signs nothing. */
  readonly epoch?: number
  /** By our clock, milliseconds since the epoch. */
  readonly lastHeard: number
  readonly active: boolean
  /** By how many milliseconds its clock is ahead of ours (behind when negative); missing until enough was heard to say so. */
  readonly skew?: number
}

export type { Announcement }

/** Who is there, by the rules of `docs/wire.md`, "Liveness". */
export class Membership extends Context.Service<Membership, {
  /** Monitors active now, this node included when it is one: the electorate `heard`. */
  readonly electorate: Effect.Effect<ReadonlySet<string>>
  /** The nodes that we heard of, active or silent; this node is not among them. */
  readonly nodes: Effect.Effect<ReadonlyArray<NodeEntry>>
  /**
   * A message of another node is a sign of life. An unknown sender of a consensus message counts as a monitor. `sentAt`, the
   * time at which the node itself made the message, tells about its clock.
   */
  readonly heard: (nodeId: string, on: "consensus" | "usage", sentAt?: number) => Effect.Effect<void>
  /** The nodes now, and whenever one comes, goes or changes (not on every sign of life). A slow reader gets the last. */
  readonly changes: Stream.Stream<ReadonlyArray<NodeEntry>>
}>()("effect-geodns/cluster/Membership") {
  /** Announces this node with the address where it listens. */
  static readonly layerAnnouncing = (
    announcement: Announcement
  ): Layer.Layer<Membership, BusError, NodeIdentity | Bus | Conditions> =>
    Layer.effect(Membership, makeMembership(announcement))

  /**
   * Announces this node and listens for others. Raises the condition `bus` while the bus is not connected or the
   * broker forbids something, `node-id` when two running nodes have one id, and `clock` and `clock:others` when the clock of
   * this node or those of others are more than 5 s off.
   */
  static readonly layer: Layer.Layer<Membership, BusError, NodeIdentity | Bus | Conditions> = Membership
    .layerAnnouncing({})

  /** The same for a node of the memory broker in context: identity, bus client (named as the id) and conditions are its own. */
  static readonly layerMemory = (
    options: { readonly id: string; readonly role: NodeRole }
  ): Layer.Layer<Membership, BusError, MemoryBroker> =>
    Membership.layer.pipe(
      Layer.provide([NodeIdentity.layerMemory(options), Bus.layerMemory({ name: options.id }), Conditions.layerMemory])
    )
}
