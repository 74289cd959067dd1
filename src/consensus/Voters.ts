import { electorateOf, type Roster } from "./sealed/Roster.ts"

/** Who votes: the monitors on targets of any kind, and those of them that judge IPv6. */
export interface Voters {
  readonly members: ReadonlySet<string>
  readonly ipv6?: ReadonlySet<string>
}

/** The voters of a roster, by their ids. */
export const votersOf = (roster: Roster): Voters => {
  const ids = (ipv6: boolean) => new Set(electorateOf(roster, { ipv6 }).map(({ id }) => id))
  return { members: ids(false), ipv6: ids(true) }
}
