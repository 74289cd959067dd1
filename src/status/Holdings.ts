import type * as Effect from "effect/Effect"
import type { Target } from "../domain/Target.ts"
import type { StatusAnswer } from "../domain/wire/Snapshot.ts"
import type { Disagreement } from "./Peers.ts"
import type { Digest } from "./StatusDigest.ts"

/** Who answers, and what it holds in sum. */
export type SnapshotHead = Pick<StatusAnswer, "NodeID" | "NodeRole" | "Count" | "Hash">

/** What came of the entries of one node. */
export interface Tally {
  /** The node that was asked. */
  readonly from: string
  /** Targets of which more is known now. */
  changed: number
  /** Targets of which it holds something that is not taken, and says otherwise than we. */
  readonly different: Array<Target>
  /** Entries that were not looked at, as too much of what it gives is wrong: it has not given all it has. */
  unchecked: number
}

/** What this node holds for official, as others of ours are told, and how it takes what these hold. */
export interface Holdings {
  /** In sum: read again when it is older than `maxAge` milliseconds. */
  readonly digest: (maxAge: number) => Effect.Effect<Digest>
  /** Whether the digest of another node says anything beside ours. */
  readonly isComparable: (digest: Digest) => boolean
  /** One page of all entries as the text of a `StatusAnswer`, from the one with the number `from` on. */
  readonly page: (head: SnapshotHead, from: number) => Effect.Effect<string>
  /** Takes one entry of a node, if there is anything to it. */
  readonly take: (
    entry: unknown,
    isKnown: (target: Target) => boolean,
    tally: Tally
  ) => Effect.Effect<void>
  /** Entries that are taken before others get their turn. */
  readonly slice: number
  /** For people: what a disagreement that lasts means, and what to do. `others`: so many more nodes are in the same position. */
  readonly describe: (disagreement: Disagreement, others: number) => string
}

/** What a node holds may be looked at again only after so many milliseconds: so a flood of questions costs little. */
export const viewAge = 1_000

/** Entries that are looked at before others get their turn. */
export const viewSlice = 2_000
