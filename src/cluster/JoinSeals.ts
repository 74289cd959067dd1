import * as Context from "effect/Context"
import * as Stream from "effect/Stream"
import type { ClusterMessage } from "../domain/wire/Cluster.ts"

/** What a join is worth. */
export type JoinVerdict =
  /** It counts, as in v2. */
  | { readonly _tag: "Unsealed" }
  /** It is from a member of the roster itself, which goes by the roster of this epoch. */
  | { readonly _tag: "Sealed"; readonly epoch: number }
  /** It claims a member of the roster, and is not from it. */
  | { readonly _tag: "Refused"; readonly reason: string }

/** Seals the announcements of this node, and judges those of others. Provided by consensus; without it none is sealed. */
export const JoinSeals = Context.Reference<{
  readonly seal: (message: ClusterMessage) => ClusterMessage
  /** `now` in milliseconds since the epoch. */
  readonly judge: (message: ClusterMessage, now: number) => JoinVerdict
  /** Joins are sealed for another epoch from now on: the others are to hear that soon. */
  readonly changes: Stream.Stream<void>
}>("effect-geodns/cluster/JoinSeals", {
  defaultValue: () => ({ seal: (message) => message, judge: () => ({ _tag: "Unsealed" }), changes: Stream.empty })
})
