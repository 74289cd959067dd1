/** How a simulated cluster decides: `roster` is the mode open with a roster for its electorate. */
export const modes = ["open", "roster", "prefer", "require"] as const
export type Mode = (typeof modes)[number]

/** The properties of `docs/consensus.md`. */
export const properties = ["P1", "P2", "P3", "P4", "P5", "P6", "P7"] as const
export type Property = (typeof properties)[number]

export const meaning: Readonly<Record<Property, string>> = {
  P1: "one status per decision on all nodes, and registers never fall",
  P2: "passed only with a majority of true votes, each from a fresh observation",
  P3: "the minority side of a partition never decides",
  P4: "after the faults all live nodes agree with what the majority observes",
  P5: "one open outage per target, start < end, at most one alert thread",
  P6: "no outage while a majority reaches the member",
  P7: "memory is bounded under any input"
}

/** Where a property holds: a run checks nothing that its mode does not promise. */
export const promised: Readonly<Record<Property, Readonly<Record<Mode, boolean>>>> = {
  P1: { open: true, roster: true, prefer: true, require: true },
  P2: { open: true, roster: true, prefer: true, require: true },
  // Silent monitors leave the electorate that was heard.
  P3: { open: false, roster: true, prefer: true, require: true },
  P4: { open: true, roster: true, prefer: true, require: true },
  P5: { open: true, roster: true, prefer: true, require: true },
  P6: { open: true, roster: true, prefer: true, require: true },
  P7: { open: true, roster: true, prefer: true, require: true }
}

/** What is done to a cluster, as far as its mode promises anything under it. */
export interface Threats {
  /** Forged, mutated and replayed messages, stolen keys, certificates that are held back. */
  readonly forgery: boolean
  /** Votes and proposals of nodes that are no members. Where the electorate is heard, such a node becomes one. */
  readonly strangers: boolean
  /** Nodes start while links are cut. Where the electorate is heard, such a node never heard of the others. */
  readonly restartInside: boolean
  readonly rosterChanges: boolean
  /**
   * The furthest that a clock is wrong, in milliseconds. By the v2 rule decisions are ordered by clocks: what one that is ahead has closed
   * can stand at one node against what all others decided since, until the next decision.
   */
  readonly clocks: number
}

export const threats: Readonly<Record<Mode, Threats>> = {
  open: { forgery: false, strangers: false, restartInside: false, rosterChanges: false, clocks: 60_000 },
  roster: { forgery: false, strangers: true, restartInside: true, rosterChanges: true, clocks: 60_000 },
  prefer: { forgery: false, strangers: true, restartInside: true, rosterChanges: true, clocks: 60_000 },
  require: { forgery: true, strangers: true, restartInside: true, rosterChanges: true, clocks: 400_000 }
}
