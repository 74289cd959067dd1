import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import type { NodeIdentity } from "../node/NodeIdentity.ts"
import type { StoreError } from "../store/StoreError.ts"
import { UsageStore, type UsageTotal } from "../store/UsageStore.ts"
import type { Hit } from "./Hit.ts"
import { makeFlush } from "./makeFlush.ts"
import { TotalsSum } from "./TotalsSum.ts"
import type { UsageBounds } from "./UsageCounter.ts"
import { UsageJournals } from "./UsageJournals.ts"

export type { Hit } from "./Hit.ts"

/** What may be set otherwise. */
export interface UsageOptions {
  /** How often the totals go to the store. 5 minutes. */
  readonly flushEvery?: Duration.Input
  readonly bounds?: UsageBounds
}

const slice = 2_000

const heldKeys = Metric.gauge("geodns_usage_keys", { description: "Usage keys that are held in memory" })
const collapsedHits = Metric.gauge("geodns_usage_collapsed", {
  description: "Answers that were counted under (other), because there were too many keys"
})
const waitingTotals = Metric.gauge("geodns_usage_waiting", {
  description: "Usage totals that have changed since they were written to the journal"
})

/** What both kinds have: counting, and reading what was counted. */
const reading = Effect.gen(function*() {
  const journals = yield* UsageJournals

  const totals = Effect.gen(function*() {
    yield* journals.sync
    const sums = new Map<string, TotalsSum>()
    for (const journal of yield* journals.list()) {
      const table = yield* journals.table(journal)
      const node = table.node ?? journals.node
      const sum = sums.get(node) ?? new TotalsSum()
      sums.set(node, sum)
      for (let row = 0; row < table.rows; row++) {
        sum.add(journal.day, table.key(row), table.safeHits(row))
        if (row % slice === slice - 1) yield* Effect.yieldNow
      }
    }
    return [...sums].flatMap(([node, sum]) => sum.totals(node))
  })

  const measure = Effect.suspend(() => {
    const { collapsed, keys, waiting } = journals.stats()
    return Effect.all([
      Metric.update(waitingTotals, waiting),
      Metric.update(heldKeys, keys),
      Metric.update(collapsedHits, collapsed)
    ], { discard: true })
  })
  return { journals, totals, measure }
})

/** Without a store: journals only. Their old ones go, for others have had the time to ask. */
const counting = Effect.gen(function*() {
  const { journals, measure, totals } = yield* reading
  yield* Effect.andThen(measure, journals.prune({ unstored: true })).pipe(
    Effect.catchCause((cause) => Effect.logWarning("old usage journals could not be removed", cause)),
    Effect.andThen(Effect.sleep("1 hour")),
    Effect.forever,
    Effect.forkScoped
  )
  return Usage.of({ record: journals.record, totals, flush: Effect.as(journals.sync, 0) })
})

const storing = Effect.fnUntraced(function*(options: UsageOptions) {
  const { journals, measure, totals } = yield* reading
  const flush = yield* makeFlush({ every: options.flushEvery ?? "5 minutes", measure })
  return Usage.of({ record: journals.record, totals, flush })
})

/** Counts the answers of this node per UTC day, in journals that survive kill -9 but for the last second. */
export class Usage extends Context.Service<Usage, {
  /** Synchronous, allocation-light, never awaits: for the hot path. */
  readonly record: (hit: Hit) => void
  /** The totals in all journals of this node, summed over its process starts, under the id that it had at each. */
  readonly totals: Effect.Effect<ReadonlyArray<UsageTotal>, DurableFileError>
  /**
   * Brings all that was counted into the journals and, where there is a store, all of the journals that is not stored yet
   * into the store. Succeeds with the number of rows stored. What could not be stored waits in the journals, and the condition
   * `usage` is raised until all is.
   */
  readonly flush: Effect.Effect<number, StoreError>
}>()("effect-geodns/usage/Usage") {
  /** A node without a store: collators ask it for its totals, see `UsageAnswers`. With other bounds. */
  static readonly layerWith = (
    options: Pick<UsageOptions, "bounds">
  ): Layer.Layer<Usage | UsageJournals, never, AppendFiles | NodeIdentity | Conditions> =>
    Layer.effect(Usage, counting).pipe(Layer.provideMerge(UsageJournals.layerWith(options)))

  /** A node without a store: collators ask it for its totals, see `UsageAnswers`. */
  static readonly layer: Layer.Layer<Usage | UsageJournals, never, AppendFiles | NodeIdentity | Conditions> = Usage
    .layerWith({})

  /** A node with a store of its own, with another interval or other bounds. */
  static readonly layerStoringWith = (
    options: UsageOptions
  ): Layer.Layer<Usage | UsageJournals, never, AppendFiles | NodeIdentity | Conditions | UsageStore> =>
    Layer.effect(Usage, storing(options)).pipe(Layer.provideMerge(UsageJournals.layerWith(options)))

  /** A node with a store of its own: totals go there every 5 minutes, and when it stops. */
  static readonly layerStoring: Layer.Layer<
    Usage | UsageJournals,
    never,
    AppendFiles | NodeIdentity | Conditions | UsageStore
  > = Usage.layerStoringWith({})

  /** The same over files and a store in memory; the store is provided too. */
  static readonly layerMemory: Layer.Layer<Usage | UsageJournals | UsageStore | Conditions, never, NodeIdentity> = Usage
    .layerStoring.pipe(
      Layer.provide(AppendFiles.layerMemory),
      Layer.provideMerge([UsageStore.layerMemory, Conditions.layerMemory])
    )
}
