import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** A node that we heard of. */
export interface NodeEntry {
  readonly id: string
  /** `IBPMonitor`, `IBPDns`, `IBPCollator`, or whatever it calls itself. */
  readonly role: string
  /** The role was guessed from the id or from what it sends; the node has not announced itself. */
  readonly guessed: boolean
  /** `host:port` as announced, or `""`. */
  readonly address: string
  readonly boot: string | undefined
  /** By our clock, milliseconds since the epoch. */
  readonly lastHeard: number
  readonly active: boolean
}

/** Who is there, by the rules of `docs/wire.md`, "Liveness". */
export class Membership extends Context.Service<Membership, {
  /** Monitors active now, this node included when it is one: the electorate `heard`. */
  readonly electorate: Effect.Effect<ReadonlySet<string>>
  readonly nodes: Effect.Effect<ReadonlyArray<NodeEntry>>
  /** A message of another node is a sign of life. An unknown sender of a consensus message counts as a monitor. */
  readonly heard: (nodeId: string, on: "consensus" | "usage") => Effect.Effect<void>
  /** The nodes now, and whenever one comes, goes or changes (not on every sign of life). */
  readonly changes: Stream.Stream<ReadonlyArray<NodeEntry>>
}>()("effect-geodns/cluster/Membership") {}
