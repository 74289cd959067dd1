import type * as Effect from "effect/Effect"

/** How to migrate. */
export interface MigrateOptions {
  /** Only says what would be done, and changes nothing. */
  readonly dryRun?: boolean
  /** Milliseconds: outages of v2 that were shorter are marked as blips. 900,000. */
  readonly minimumOffline?: number
  /**
   * Refuses to change rows while somebody else is in the database with the same user: what they write meanwhile may be
   * counted twice. In MySQL only; SQLite has a lock.
   */
  readonly alone?: boolean
  /** Is told when a step begins, and from then on how far it is. */
  readonly onProgress?: (progress: MigrationProgress) => Effect.Effect<void>
}

/** One step of a migration. */
export interface MigrationStep {
  /** In words. */
  readonly what: string
  /** The statements; of what is done in batches those of one, with what differs from batch to batch as `<…>`. */
  readonly sql: ReadonlyArray<string>
  /** How many rows it touches, where that is known. */
  readonly rows: number | undefined
  /** What came of it that the operator should hear. */
  readonly note?: string
}

/** How far a migration is. */
export interface MigrationProgress extends Pick<MigrationStep, "what" | "rows"> {
  readonly migration: string
  /** Rows of this step that are done; 0 also for a single statement, which does not say. */
  readonly done: number
}

/** What a migration has done or, in a dry run, would do. */
export interface MigrationReport {
  readonly migration: string
  readonly steps: ReadonlyArray<MigrationStep>
}

/** Whether rows are changed, and not only tables made. */
export const changesRows = (plan: ReadonlyArray<MigrationReport>): boolean =>
  plan.some(({ steps }) => steps.some(({ rows }) => rows !== undefined))
