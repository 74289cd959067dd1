import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Bus, BusError } from "../bus/Bus.ts"
import type { Membership } from "../cluster/Membership.ts"
import type { Conditions } from "../node/Conditions.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"
import type { UsageStore } from "../store/UsageStore.ts"
import type { Completeness } from "./CollectionLedger.ts"
import { makeUsageCollector } from "./makeUsageCollector.ts"

export type { Completeness }

type Needs = Bus | Membership | UsageStore | DurableFiles | Conditions

/**
 * Collects the totals of all DNS nodes into the store, at the top of each hour: today and yesterday of all, and whatever day
 * of the last five weeks a node has not told in full. Each total is stored under the node and writer that counted it, so
 * collecting again, or by two collators at once, changes nothing.
 */
export class UsageCollector extends Context.Service<UsageCollector, {
  /** Collects now, after a collection that is under way. Never fails: what is missing is in `completeness`. */
  readonly collect: Effect.Effect<void>
  /** What is known of each day and node, oldest first. */
  readonly completeness: Effect.Effect<ReadonlyArray<Completeness>>
}>()("effect-geodns/usage/UsageCollector") {
  /**
   * Begins a minute after its start, when it has heard who is there. Raises the condition `usage:incomplete` while a day is
   * over and a node that was there has not told all of it, `usage:collect` while totals cannot be stored, and
   * `usage:shared-id` while two nodes answer with one id.
   */
  static readonly layer: Layer.Layer<UsageCollector, BusError, Needs> = Layer.effect(UsageCollector, makeUsageCollector)
}
