import * as Layer from "effect/Layer"
import { Membership } from "../cluster/Membership.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"

/** What every role needs of the cluster: who is there, and what is decided. It votes if its role and `Observer` let it. */
export const participant = Consensus.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Membership.layer, OfficialStatus.layer))
)

/** A node that follows decisions and takes no part in them. */
export const follower = participant.pipe(Layer.provide(Observer.layerNone))
