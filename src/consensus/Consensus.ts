import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { Bus, type BusError } from "../bus/Bus.ts"
import type { MemoryBroker } from "../bus/MemoryBroker.ts"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import type { Target } from "../domain/Target.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import type { Proposal, Vote } from "../domain/wire/Consensus.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Decision } from "../status/Decision.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import type { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Proofs } from "../status/Proofs.ts"
import type { OpenProposal } from "./Ballot.ts"
import { makeConsensus } from "./makeConsensus.ts"
import { joinSeals } from "./sealed/joinSeals.ts"
import type { Sealing } from "./sealed/Sealing.ts"

export type { OpenProposal }

/** What happened in consensus as this node saw it, for logs, dashboards and stories. */
export type ConsensusEvent =
  | { readonly _tag: "Proposed"; readonly proposal: Proposal; readonly own: boolean }
  | { readonly _tag: "Voted"; readonly proposal: Proposal | undefined; readonly vote: Vote; readonly own: boolean }
  | { readonly _tag: "Decided"; readonly decision: Decision }
  | { readonly _tag: "Rejected"; readonly proposal: Proposal; readonly votes: Readonly<Record<string, boolean>> }

/** How this node takes part now. */
export interface ConsensusState {
  readonly mode: Sealing["mode"]
  /** Of the roster in use; undefined without one. */
  readonly epoch: number | undefined
  /** Certificates of epochs before it prove nothing any more; undefined without a roster. */
  readonly minEpoch?: number | undefined
  /** Whether the others count the votes of this node. */
  readonly votes: boolean
  /** Who votes on IPv4 targets. */
  readonly electorate: ReadonlySet<string>
}

/**
 * The cluster's decision on which targets are up. Monitors propose and vote; DNS nodes and collators run the same service
 * and only observe. Decisions reach `OfficialStatus` before they are announced here.
 */
export class Consensus extends Context.Service<Consensus, {
  /**
   * Proposes a status for a target. Proposing what is already open only votes on it again. It does nothing on a node that
   * is not a monitor.
   */
  readonly propose: (options: {
    readonly target: Target
    readonly up: boolean
    readonly error: string
    readonly data: unknown
  }) => Effect.Effect<void>
  readonly proposals: Effect.Effect<ReadonlyArray<OpenProposal>>
  /** What happens from now on. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<ConsensusEvent>, never, Scope.Scope>
  readonly state: Effect.Effect<ConsensusState>
}>()("effect-geodns/consensus/Consensus") {
  /**
   * Takes part as the role of the node says: a monitor proposes and votes from its `Observer`, any other node observes, and
   * so does a monitor that starts with `GeoDNS.Consensus.Shadow`. The mode, the roster and the key are those of `Sealing`, which
   * is `open` where nothing else is provided. It provides `Proofs`, too.
   * Decisions on targets that the configuration does not know change nothing.
   * A side needs `minimumVotes` besides the majority, when missing what `GeoDNS.Consensus` of the configuration says (applies
   * on reload; not in the mode `require`). Without a bus it waits for one.
   */
  static readonly layerWith = (options: { readonly minimumVotes?: number }): Layer.Layer<
    Consensus,
    never,
    NodeIdentity | Bus | Membership | Observer | OfficialStatus | Config | Conditions
  > =>
    Layer.effectContext(Effect.map(
      makeConsensus(options),
      ({ consensus, proofs }) => Context.make(Consensus, consensus).pipe(Context.add(Proofs, proofs))
    ))

  /** The same, with the votes that a side needs as the configuration says. */
  static readonly layer: Layer.Layer<
    Consensus,
    never,
    NodeIdentity | Bus | Membership | Observer | OfficialStatus | Config | Conditions
  > = Layer.suspend(() => Consensus.layerWith({}))

  /**
   * The same for a node of the memory broker in context, with what belongs to it: its official status, who it heard of,
   * and its conditions. It votes from the `Observer` in context, and takes part as `sealing` says.
   */
  static readonly layerMemory = <E = never>(options: {
    readonly id: string
    readonly role: NodeRole
    readonly minimumVotes?: number
    readonly sealing?: Layer.Layer<never, E>
  }): Layer.Layer<
    Consensus | OfficialStatus | Membership | Conditions,
    BusError | ConfigError | E,
    MemoryBroker | Observer
  > =>
    Consensus.layerWith(options).pipe(
      Layer.provideMerge(Membership.layer),
      Layer.provide(joinSeals),
      Layer.provide([
        Bus.layerMemory({ name: options.id }),
        NodeIdentity.layerMemory(options),
        Config.layerMemory(),
        // It has no documents.
        Layer.succeed(KnownTargets, () => () => true)
      ]),
      Layer.provide(options.sealing ?? Layer.empty),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provide(DurableFiles.layerMemory),
      Layer.provideMerge(Conditions.layerMemory),
      // Nodes beside each other share nothing but the broker.
      Layer.fresh
    )
}
