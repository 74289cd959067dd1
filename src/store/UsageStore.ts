import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StoreError } from "./StoreError.ts"

/** A total of one writer (one process start of one node) for one UTC day and key. No part of the key is ever null. */
export interface UsageRow {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly node: string
  /** Random per process start. */
  readonly writer: string
  readonly domain: string
  /** `(none)` when no member was answered. */
  readonly member: string
  /** As `AS13335`, or `""`. */
  readonly asn: string
  readonly network: string
  /** `??` when unknown. */
  readonly country: string
  readonly countryName: string
  readonly ipv6: boolean
  readonly hits: number
}

/** The same summed over writers. */
export type UsageTotal = Omit<UsageRow, "writer">

/** Which usage. Everything given must hold. */
export interface UsageQuery {
  /** First and last day, both inclusive. */
  readonly from?: string
  readonly to?: string
  readonly node?: string
  readonly domain?: string
  readonly member?: string
  readonly country?: string
}

/** Counted answers. Every stored value is an absolute total of one writer: sending it again changes nothing. */
export class UsageStore extends Context.Service<UsageStore, {
  /** Stores totals; of two for one key the greater stays, whatever their order. */
  readonly upsert: (rows: ReadonlyArray<UsageRow>) => Effect.Effect<void, StoreError>
  /** Totals in order of their key. */
  readonly find: (query: UsageQuery) => Stream.Stream<UsageTotal, StoreError>
}>()("effect-geodns/store/UsageStore") {}
