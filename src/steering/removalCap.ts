/** A member that decisions take out. */
export interface Removal {
  /** `Details.Name`. */
  readonly member: string
  /** When the decision was made that takes it out, milliseconds since the epoch by the clock of who made it. */
  readonly decidedAt: number
  /** From when it counts here: see `Down`. */
  readonly since: number
}

/** How long no more members of a name than the cap may go, in milliseconds. */
export const capWindow = 60_000

/**
 * How many of a name's members may be taken out within {@link capWindow}: a share of them, a third when it is not said,
 * and one in any case.
 */
export const removalCap = (members: number, share = 1 / 3): number =>
  // A share of 0.29 is somewhat less in binary: of a hundred members it is 29 all the same.
  Math.max(1, Math.floor(members * share + 1e-9))

/**
 * When each member goes, by name, in milliseconds since the epoch: at once, or later where the cap holds it. The oldest
 * decision goes first, by name where two are equally old, so that every node that knows the same decisions holds the
 * same members, whatever its clock says.
 */
export const removalTimes = (removals: ReadonlyArray<Removal>, cap: number): ReadonlyMap<string, number> => {
  const sorted = [...removals].sort((a, b) => a.decidedAt - b.decidedAt || (a.member < b.member ? -1 : 1))
  const times: Array<number> = []
  for (const { since } of sorted) {
    const earlier = times[times.length - cap]
    times.push(earlier === undefined ? since : Math.max(since, earlier + capWindow))
  }
  return new Map(sorted.map(({ member }, i) => [member, times[i]!]))
}
