import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ConfigChange, Snapshot } from "./Snapshot.ts"

/** What a reload found. */
export interface ReloadReport {
  /** The version in use after it. */
  readonly version: number
  readonly changed: boolean
  /** Problems of the documents that could not be taken; the last good copies of those stay. */
  readonly problems: ReadonlyArray<string>
}

/**
 * The configuration of this node: the local document and the six shared ones.
 *
 * A bad document never costs anything that runs: it is reported, and the last good copy of that document stays.
 */
export class Config extends Context.Service<Config, {
  readonly current: Effect.Effect<Snapshot>
  /** Every new version from now on, each with its diff. */
  readonly changes: Stream.Stream<ConfigChange>
  /** Reads everything again now. */
  readonly reload: Effect.Effect<ReloadReport>
}>()("effect-geodns/config/Config") {}
