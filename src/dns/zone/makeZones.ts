import * as Result from "effect/Result"
import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, type NameKey } from "../DomainName.ts"
import { maxTtl, RecordType } from "../protocol.ts"
import { anyData, mailbox, parseSoa, type Soa, soaData } from "../RecordData.ts"
import type { Zone, ZoneSettings } from "../ZoneData.ts"
import type { Apexes } from "./findApexes.ts"
import { firstOf, type Groups, type GroupsByName } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** Negative answers are kept at most that long, in seconds. */
const maxMinimum = 60

/** The TTL of a SOA record that we make up, in seconds. */
const soaTtl = 3600

const defaultSettings: ZoneSettings = {
  mname: "",
  rname: "",
  refresh: 3600,
  retry: 600,
  expire: 604800,
  minimum: maxMinimum
}

/**
 * What all names of each zone have in common. A SOA record is made up where none is written; one that is written keeps its
 * serial, unless that is 0; MINIMUM is at most 60 in all.
 */
export const makeZones = function*(
  build: ZoneBuild,
  { apexes, settings }: Apexes,
  byName: GroupsByName,
  serial: number
): Slices<ReadonlyMap<NameKey, Zone>> {
  const zones = new Map<NameKey, Zone>()
  for (const [key, apex] of apexes) {
    if (build.isSliceOver()) yield
    const groups = byName.get(key)
    const soa = soaOf(build, apex, groups, settings.get(key) ?? defaultSettings, serial)
    const ttl = groups?.get("SOA")?.rows[0]?.ttl ?? soaTtl
    const data = [soaData(soa)]
    const negative = { type: RecordType.SOA, ttl: Math.min(ttl, soa.minimum), data }
    zones.set(key, {
      apex,
      noName: { _tag: "NoName", account: build.account(), apex: apex.wire, soa: negative },
      noData: { _tag: "NoData", account: build.account(), apex: apex.wire, soa: negative },
      soa: { _tag: "Answer", account: build.account(), set: { type: RecordType.SOA, ttl, data } },
      any: {
        _tag: "Answer",
        account: build.account(),
        set: { type: RecordType.HINFO, ttl: soa.minimum, data: [anyData()] }
      }
    })
  }
  return zones
}

const soaOf = (
  build: ZoneBuild,
  apex: DomainName,
  groups: Groups | undefined,
  settings: ZoneSettings,
  serial: number
): Soa => {
  const written = groups?.get("SOA")?.rows[0]?.content
  const parsed = written === undefined ? undefined : Result.getOrUndefined(parseSoa(written))
  if (parsed !== undefined) {
    return { ...parsed, serial: parsed.serial || serial, minimum: Math.min(parsed.minimum, maxMinimum) }
  }
  const server = settings.mname || firstOf(groups?.get("NS")?.rows ?? [])?.content || `ns.${apex.text}`
  const box = settings.rname || `hostmaster.${apex.text}`
  const mname = domainName(server)?.text
  const rname = mailbox(box)
  if (mname === undefined) build.report(apex.text, "SOA", `mname "${server}" is no domain name: ours is used`)
  if (rname === undefined) build.report(apex.text, "SOA", `rname "${box}" is no mailbox: ours is used`)
  const seconds = (n: number): number => Math.min(Math.floor(n), maxTtl)
  return {
    mname: mname ?? apex.text,
    rname: rname ?? apex.text,
    serial,
    refresh: seconds(settings.refresh),
    retry: seconds(settings.retry),
    expire: seconds(settings.expire),
    minimum: Math.min(seconds(settings.minimum), maxMinimum)
  }
}
