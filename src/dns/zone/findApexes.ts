import { isIP } from "node:net"
import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, isWildcard, type NameKey, parentKey } from "../DomainName.ts"
import type { ZoneSettings, ZoneSources } from "../ZoneData.ts"
import { enclosing } from "./enclosing.ts"
import { noName, type Row, type StaticRecords } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** Where zones begin, and which names are steered in them. */
export interface Apexes {
  readonly apexes: ReadonlyMap<NameKey, DomainName>
  readonly settings: ReadonlyMap<NameKey, ZoneSettings>
  readonly served: ReadonlyArray<DomainName>
}

/** What registries name the level by below which they register names, as `co` in `co.uk`. */
const registries = new Set("ac co com edu gob gov go mil ne net nom or org sch".split(" "))

/** The zone of a served name that no other has: its last two labels, or three where the last two are a registry's. */
const madeZone = (name: DomainName): DomainName => {
  const labels = name.text.split(".")
  const [second = "", top = ""] = labels.slice(-2)
  return domainName(labels.slice(top.length === 2 && registries.has(second) ? -3 : -2).join("."))!
}

/**
 * Zones begin at names with a SOA record or settings, and at names with NS records that are not below such a name; a
 * served name outside all of those gets a zone made for it. Below a zone that is made, NS records delegate, unless
 * something of ours is there that only a zone can have.
 */
export const findApexes = function*(
  build: ZoneBuild,
  sources: ZoneSources,
  { rows, withServers, withSoa }: StaticRecords
): Slices<Apexes> {
  const apexes = new Map(withSoa)
  const settings = new Map<NameKey, ZoneSettings>()
  // One name may be written in two ways: which counts must not depend on their order.
  for (const [text, zone] of Object.entries(sources.zones).sort(([a], [b]) => a < b ? -1 : 1)) {
    const name = domainName(text)
    if (name === undefined || isWildcard(name.key)) build.report(text, "SOA", "this is no name of a zone")
    else {
      apexes.set(name.key, name)
      settings.set(name.key, zone)
    }
  }
  // NS records begin a zone where they are not below another name that does.
  const others = new Map([...apexes, ...withServers])
  const byServers = new Map<NameKey, DomainName>()
  for (const [key, name] of withServers) {
    if (build.isSliceOver()) yield
    if (apexes.has(key) || enclosing(others, parentKey(key)) !== undefined) continue
    byServers.set(key, name)
  }
  for (const [key, name] of byServers) apexes.set(key, name)
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
      const apex = madeZone(name)
      made.set(apex.key, apex)
    }
  }
  if (made.size > 0) {
    const own = yield* withOwnData(build, byServers, rows, served)
    for (const [key, { text }] of byServers) {
      if (build.isSliceOver()) yield
      const above = enclosing(made, parentKey(key))
      if (above === undefined) continue
      if (!own.has(key)) apexes.delete(key)
      else {
        build.doubt(
          text,
          "NS",
          `a zone of its own here, below ${above.text}, which has neither a SOA nor a NS record: add one for each that is ` +
            "a zone, or take out what is below a name that others serve"
        )
      }
    }
  }
  for (const [key, apex] of made) apexes.set(key, apex)
  return { apexes, settings, served }
}

/** Of names with NS records, those at or below which there is more than a delegation has: the addresses of its servers. */
const withOwnData = function*(
  build: ZoneBuild,
  byServers: ReadonlyMap<NameKey, DomainName>,
  rows: ReadonlyArray<Row>,
  served: ReadonlyArray<DomainName>
): Slices<ReadonlySet<NameKey>> {
  const own = new Set<NameKey>()
  const servers = new Set<NameKey | undefined>()
  for (const { content, type } of rows) {
    if (build.isSliceOver()) yield
    if (type === "NS") servers.add(domainName(content)?.key)
  }
  for (const { name: { key }, type } of rows) {
    if (build.isSliceOver()) yield
    const cut = enclosing(byServers, key)
    const isOfDelegation = type === "NS" || (type === "A" || type === "AAAA") && servers.has(key)
    if (cut !== undefined && !isOfDelegation) own.add(cut.key)
  }
  for (const { key } of served) {
    if (build.isSliceOver()) yield
    const cut = enclosing(byServers, key)
    if (cut !== undefined) own.add(cut.key)
  }
  return own
}
