import { isIP } from "node:net"
import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, isWildcard, type NameKey, parentKey } from "../DomainName.ts"
import type { ZoneSettings, ZoneSources } from "../ZoneData.ts"
import { enclosing } from "./enclosing.ts"
import { noName, type StaticRecords } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** Where zones begin, and which names are steered in them. */
export interface Apexes {
  readonly apexes: ReadonlyMap<NameKey, DomainName>
  readonly settings: ReadonlyMap<NameKey, ZoneSettings>
  readonly served: ReadonlyArray<DomainName>
}

/**
 * Zones begin at names with a SOA record or settings, and at names with NS records that are not below such a name; a
 * served name outside all of those gets a zone of its last two labels.
 */
export const findApexes = function*(
  build: ZoneBuild,
  sources: ZoneSources,
  { withServers, withSoa }: StaticRecords
): Slices<Apexes> {
  const apexes = new Map(withSoa)
  const settings = new Map<NameKey, ZoneSettings>()
  for (const [text, zone] of Object.entries(sources.zones)) {
    const name = domainName(text)
    if (name === undefined || isWildcard(name.key)) build.report(text, "SOA", "this is no name of a zone")
    else {
      apexes.set(name.key, name)
      settings.set(name.key, zone)
    }
  }
  // NS records begin a zone where they are not below another name that does.
  const others = new Map([...apexes, ...withServers])
  for (const [key, name] of withServers) {
    if (build.isSliceOver()) yield
    if (enclosing(others, parentKey(key)) === undefined) apexes.set(key, name)
  }
  const served: Array<DomainName> = []
  const made = new Map<NameKey, DomainName>()
  for (const host of sources.served) {
    if (build.isSliceOver()) yield
    if (isIP(host) !== 0 || host.startsWith("[")) continue
    const name = domainName(host)
    if (name === undefined) {
      build.report(host, "A", noName)
      continue
    }
    served.push(name)
    if (enclosing(apexes, name.key) === undefined) {
      const apex = domainName(name.text.split(".").slice(-2).join("."))!
      made.set(apex.key, apex)
    }
  }
  for (const [key, apex] of made) apexes.set(key, apex)
  return { apexes, settings, served }
}
