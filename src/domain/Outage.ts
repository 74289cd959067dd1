import type { Target } from "./Target.ts"

/** An interval in which a target is officially down. */
export interface Outage {
  /** The id of the proposal that opened it. */
  readonly id: string
  readonly target: Target
  /** Milliseconds since the epoch. */
  readonly start: number
  /** Milliseconds since the epoch; undefined while it is open. */
  readonly end: number | undefined
  readonly error: string
  readonly data: unknown
  /** The votes that opened it: node id → agreed. */
  readonly votes: Readonly<Record<string, boolean>>
  /** Closed and shorter than `MinimumOfflineTime`. SLA counts it all the same. */
  readonly blip: boolean
}

/** An outage began or ended. */
export type OutageEvent =
  | { readonly _tag: "Opened"; readonly outage: Outage }
  | { readonly _tag: "Closed"; readonly outage: Outage }
