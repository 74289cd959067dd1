import type { Target } from "../domain/Target.ts"

/** The result of one check of one target by this monitor. */
export interface Observation {
  readonly target: Target
  readonly up: boolean
  /** Short and stable; `""` when up. */
  readonly error: string
  /** What the probe measured, or null. */
  readonly data: unknown
  /** When it was taken, milliseconds since the epoch. */
  readonly at: number
  /** Milliseconds. */
  readonly latency: number
}
