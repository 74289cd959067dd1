import type { Snapshot } from "../config/Snapshot.ts"
import { makeZoneData } from "../dns/ZoneBuilder.ts"
import type { ZoneData, ZoneProblem } from "../dns/ZoneData.ts"
import { doubtsAbout } from "../dns/zoneListing.ts"
import { zoneSources } from "../dns/Zones.ts"
import { hostName } from "../domain/Catalog.ts"
import type { Local } from "../domain/documents/Local.ts"
import { type UnservedName, unservedNames } from "../steering/unservedNames.ts"

/** The zones that a node makes of its documents, and what there is to say of them. */
export interface ZoneFindings {
  readonly zones: ZoneData
  /** What is left out of them. */
  readonly errors: ReadonlyArray<ZoneProblem>
  /** What is served in vain. */
  readonly warnings: ReadonlyArray<ZoneProblem>
}

/** Whether it is about a name in `GeoDNS.Dns.Zones`: `checkDocuments` tells of those, where they stand. */
const isOfSettings = ({ GeoDNS: { Dns } }: Local, { name, problem, type }: ZoneProblem): boolean => {
  const key = /^(mname|rname) "/.exec(problem)?.[1] as "mname" | "rname" | undefined
  return type === "SOA" && key !== undefined
    && Object.entries(Dns.Zones).some(([zone, settings]) => hostName(zone) === name && settings[key] !== "")
}

const ofUnserved = ({ lacks, name, services }: UnservedName): ZoneProblem => {
  const shown = services.length > 3 ? [...services.slice(0, 3), "…"] : services
  return {
    name,
    type: "A/AAAA",
    problem: lacks === "members"
      ? `no member is assigned ${shown.join(" or ")} with the level for it: no client gets an address`
      : `no member with ${shown.join(" or ")} is active, not overridden and has an address: no client gets one`
  }
}

/** Builds the zones as a node would; SOA records that it makes up have the serial 0. */
export const zoneFindings = (snapshot: Snapshot): ZoneFindings => {
  const zones = makeZoneData({ ...zoneSources(snapshot), serial: 0 })
  return {
    zones,
    errors: zones.problems.filter((problem) => !isOfSettings(snapshot.local, problem)),
    warnings: [...doubtsAbout(zones), ...unservedNames(snapshot.catalog).map(ofUnserved)]
  }
}
