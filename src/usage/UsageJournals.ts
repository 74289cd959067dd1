import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { AppendFiles } from "../node/AppendFiles.ts"
import { Conditions } from "../node/Conditions.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Hit } from "./Hit.ts"
import type { JournalName } from "./journalNames.ts"
import { makeUsageJournals } from "./makeUsageJournals.ts"
import type { UsageBounds } from "./UsageCounter.ts"
import type { UsageTable } from "./UsageTable.ts"

export type { JournalName }

/** What may be set otherwise. */
export interface UsageJournalsOptions {
  readonly bounds?: UsageBounds
}

/** How far back collators ask, in days; journals stay at least so long after the day that they are of. */
export const journalDays = 35

/**
 * What this node has counted: a journal per process start and day, of which kill -9 takes at most the last second. No
 * journal is continued by another process, so nothing is ever counted twice.
 */
export class UsageJournals extends Context.Service<UsageJournals, {
  /** Counts one answer. Synchronous, allocation-light, never awaits: for the hot path. */
  readonly record: (hit: Hit) => void
  /** The node as its totals call it: the id, cut to what the store holds. */
  readonly node: string
  /**
   * Brings all that was counted into the journals and onto the disk. What the disk does not take stays counted in memory;
   * the condition `usage:journal` says so.
   */
  readonly sync: Effect.Effect<void>
  /** Waits until all that is in the journals is on the disk, without writing more into them. */
  readonly onDisk: Effect.Effect<void>
  /** The journals of these days, both inclusive, of every writer of this node, in order of day and writer. */
  readonly list: (from?: string, to?: string) => Effect.Effect<ReadonlyArray<JournalName>, DurableFileError>
  /**
   * The totals of a journal. Those of the current day go on changing, those of others are read from the disk; one of them
   * is kept for a minute, so ask for what you need of one before you ask for another.
   */
  readonly table: (journal: JournalName) => Effect.Effect<UsageTable, DurableFileError>
  /** Whether nobody else writes to the journal, or its process is dead. It stays so until the scope closes. */
  readonly claim: (journal: JournalName) => Effect.Effect<boolean, never, Scope.Scope>
  /** Notes in the journal that all of its table up to this generation is stored. */
  readonly acknowledge: (
    journal: JournalName,
    table: UsageTable,
    generation: number
  ) => Effect.Effect<void, DurableFileError>
  /**
   * Removes journals that were there while the node ran for 36 days, whatever the clock says, and that nobody writes. Those
   * that are not stored only when nobody is going to store them. Raises `usage:journals` when some are of
   * days that cannot be right, or when there are very many.
   */
  readonly prune: (options: { readonly unstored: boolean }) => Effect.Effect<void, DurableFileError>
  /** Answers that were counted under `(other)`, keys in memory, and totals that wait for the journal. */
  readonly stats: () => { readonly collapsed: number; readonly keys: number; readonly waiting: number }
}>()("effect-geodns/usage/UsageJournals") {
  /** With other bounds. */
  static readonly layerWith = (
    options: UsageJournalsOptions
  ): Layer.Layer<UsageJournals, never, AppendFiles | NodeIdentity | Conditions> =>
    Layer.effect(UsageJournals, makeUsageJournals(options))

  static readonly layer: Layer.Layer<UsageJournals, never, AppendFiles | NodeIdentity | Conditions> = UsageJournals
    .layerWith({})

  /** The same over files in memory. */
  static readonly layerMemory: Layer.Layer<UsageJournals, never, NodeIdentity> = UsageJournals.layer.pipe(
    Layer.provide([AppendFiles.layerMemory, Conditions.layerMemory])
  )
}
