import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Place } from "../geo/GeoIp.ts"
import type { StoreError } from "../store/StoreError.ts"
import type { UsageTotal } from "../store/UsageStore.ts"

/** One DNS answer. */
export interface Hit {
  readonly domain: string
  /** `(none)` when the answer held no member's address. */
  readonly member: string
  readonly place: Place
  readonly ipv6: boolean
}

/** Counts the answers of this node per UTC day, and hands the totals to the store on a schedule and at the end. */
export class Usage extends Context.Service<Usage, {
  /** Synchronous, allocation-light, never awaits: for the hot path. */
  readonly record: (hit: Hit) => void
  /** The totals of this process, not yet flushed ones included. */
  readonly totals: Effect.Effect<ReadonlyArray<UsageTotal>>
  /** Stores all that has changed since the last flush. Succeeds with the number of rows. */
  readonly flush: Effect.Effect<number, StoreError>
}>()("effect-geodns/usage/Usage") {}
