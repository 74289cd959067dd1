import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Outage } from "../domain/Outage.ts"
import type { StoreError } from "./StoreError.ts"

/** Which outages. Everything given must hold. */
export interface OutageQuery {
  /** `Details.Name`. */
  readonly member?: string
  /** Milliseconds since the epoch: outages that overlap `[from, to)` in any way, open ones too. */
  readonly from?: number
  readonly to?: number
  readonly open?: boolean
}

/** Outages, append-only: a new outage of a target is a new row; closing sets the end once and changes nothing else. */
export class OutageStore extends Context.Service<OutageStore, {
  /** Stores an open outage. Storing the same id again changes nothing. Fails with `AlreadyOpen` when another of the target is. */
  readonly open: (outage: Outage) => Effect.Effect<void, StoreError>
  /** Closes an outage; false when it is closed already or unknown. `end` in milliseconds since the epoch. */
  readonly close: (id: string, end: number, blip: boolean) => Effect.Effect<boolean, StoreError>
  /** In order of their start. */
  readonly find: (query: OutageQuery) => Stream.Stream<Outage, StoreError>
}>()("effect-geodns/store/OutageStore") {}
