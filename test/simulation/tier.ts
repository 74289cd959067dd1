import type { Mode } from "./plan/Mode.ts"

/** What one run showed. */
export interface Played {
  /** What must not be, in words; empty when all is well. */
  readonly violations: ReadonlyArray<string>
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>
  /** Milliseconds that something took, where the run measures that. */
  readonly latencies: ReadonlyArray<number>
}

/** A way to simulate clusters: everything follows from the seed. `kind` says what kind of run, and tiers have their own. */
export interface Tier {
  readonly modes: ReadonlyArray<Mode>
  readonly kinds: ReadonlyArray<string>
  readonly play: (seed: number, mode: Mode, kind: string) => Played | Promise<Played>
  /** A seed that fails, as small as it can be made, told for people. */
  readonly story: (seed: number, mode: Mode, kind: string) => string | Promise<string>
}

/** The tiers that there are. The first kind of each is the usual one. */
export const tiers: ReadonlyMap<string, () => Promise<{ readonly tier: Tier }>> = new Map([
  ["core", () => import("./core/tier.ts")],
  ["cluster", () => import("./cluster/tier.ts")]
])

/** The mode of a seed where none is asked for: all of them in turn. */
export const modeOf = ({ modes }: Tier, seed: number): Mode => modes[seed % modes.length]!
