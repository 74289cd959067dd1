import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AlertMessage } from "../alerts/AlertMessage.ts"
import type { ConsensusEvent } from "../consensus/Consensus.ts"
import type { Outage } from "../domain/Outage.ts"
import type { Observation } from "../status/Observation.ts"
import type { UsageTotal } from "../store/UsageStore.ts"
import type { DemoError } from "./DemoError.ts"

/** Something that happened in the world. */
export type WorldEvent =
  | { readonly _tag: "Observed"; readonly node: string; readonly observation: Observation }
  | { readonly _tag: "Consensus"; readonly node: string; readonly event: ConsensusEvent }
  | { readonly _tag: "Alerted"; readonly message: AlertMessage }

/** A small network of real nodes that a scenario can act on and look at from outside. */
export class World extends Context.Service<World, {
  /** What happens from now on. In place when the effect succeeds. */
  readonly subscribe: Effect.Effect<Stream.Stream<WorldEvent>, never, Scope.Scope>
  /** Lets a member's endpoint fail, or recover. `member` by its key. */
  readonly setHealthy: (member: string, healthy: boolean) => Effect.Effect<void>
  /** The addresses that the DNS node answers to a client, asked over the network where there is one. */
  readonly ask: (client: string) => Effect.Effect<ReadonlyArray<string>, DemoError>
  /** The outages as they are in the store. */
  readonly outages: Effect.Effect<ReadonlyArray<Outage>, DemoError>
  /** The usage as it is in the store, everything counted so far included. */
  readonly usage: Effect.Effect<ReadonlyArray<UsageTotal>, DemoError>
}>()("effect-geodns/demo/World") {}
