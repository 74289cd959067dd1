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
  /** Only where it was opened by a certificate of sealed consensus: then `id` is the same at every node. */
  readonly proof?: OutageProof
}

/** How an outage is proved. The certificates themselves are in the store: `OutageStore.decisions`. */
export interface OutageProof {
  /** The step of the target's register that opened it: odd. It is over by any higher step, whatever the clocks said. */
  readonly seq: number
  /** Its beginning or its end was learnt long after it was observed. */
  readonly late: boolean
  /** The decisions that opened and, if it is over, closed it have their certificates. Whether these hold, `verify` says. */
  readonly certified: boolean
}

/** An outage began or ended. */
export type OutageEvent =
  | { readonly _tag: "Opened"; readonly outage: Outage }
  | { readonly _tag: "Closed"; readonly outage: Outage }
