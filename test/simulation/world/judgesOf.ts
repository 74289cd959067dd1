import type { Roster } from "../../../src/consensus/sealed/Roster.ts"
import type { Target } from "../../../src/domain/Target.ts"

/** Who may judge a target, by the text of the specification: the monitors of the roster, and of an IPv6 target those with `ipv6`. */
export const judgesOf = (roster: Roster | undefined, target: Pick<Target, "ipv6">): ReadonlyArray<string> =>
  (roster?.members ?? [])
    .filter(({ ipv6, role }) => role === "IBPMonitor" && (ipv6 || !target.ipv6))
    .map(({ id }) => id)
