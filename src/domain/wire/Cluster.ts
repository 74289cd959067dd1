import * as Schema from "effect/Schema"
import { Id, List, Text } from "./Field.ts"
import { ownKey, Seal } from "./Seal.ts"
import { WireTime } from "./WireTime.ts"

/** The roles that announce themselves. */
export const NodeRole = Schema.Literals(["IBPMonitor", "IBPDns", "IBPCollator"])
export type NodeRole = typeof NodeRole.Type

/** A node as it announces itself. `NodeRole` is free text: a role that we do not know is kept, and takes part in nothing. */
export const NodeInfo = Schema.Struct({
  NodeID: Id,
  PublicAddress: Text,
  ListenAddress: Text,
  ListenPort: Text,
  NodeRole: Text,
  LastHeard: WireTime,
  /** Ours: random per process start, so that two nodes with one id are noticed. */
  Boot: Schema.optionalKey(Schema.String)
})
export type NodeInfo = typeof NodeInfo.Type

/** `consensus.cluster`: a node announces itself. */
export const ClusterMessage = Schema.Struct({
  type: Schema.String,
  sender: NodeInfo,
  members: List(NodeInfo),
  /** Ours: that the sender itself announces this. */
  Seal: ownKey(Seal)
})
export type ClusterMessage = typeof ClusterMessage.Type
