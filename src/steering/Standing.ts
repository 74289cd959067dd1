import type { MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import type { UnitVector } from "../geo/distance.ts"
import type { Official } from "../status/Decision.ts"
import { type DownTargets, placeOf } from "./DownTargets.ts"
import { removalCap, removalTimes } from "./removalCap.ts"

/** A member as steering wants it, prepared once per version of the configuration. */
export interface Profile {
  readonly entry: MemberEntry
  /** What decisions may call it: its name and its key, in lower case, unless the key is another's name. */
  readonly names: ReadonlyArray<string>
  readonly vector: UnitVector
  /** The hash of its name. */
  readonly hash: number
  readonly weight: number
}

/** A member that serves a name, with those of its services that are on it. */
export interface Serving {
  readonly profile: Profile
  readonly services: ReadonlyArray<ServiceEntry>
}

/** How a candidate for a name stands in one family. */
export interface Standing {
  readonly profile: Profile
  /** Its address of the family. */
  readonly address: string
  /** The decisions that take it out; none when it is healthy. */
  readonly downs: ReadonlyArray<Official>
  /** When it goes, milliseconds since the epoch; undefined when it is healthy. */
  readonly goesAt: number | undefined
}

/** The address of a member in one family, `""` for none. */
export const addressOf = ({ member: { Service } }: MemberEntry, ipv6: boolean): string =>
  ipv6 ? Service.ServiceIPv6 : Service.ServiceIPv4

/** Whether a member can answer for the names that it serves, whatever its health and whoever takes it out by hand. */
const isEligible = (entry: MemberEntry, ipv6: boolean): boolean =>
  entry.member.Service.Active && !entry.member.Override && addressOf(entry, ipv6) !== ""

/** Who could answer for a name in one family, in the order in which they serve it. */
export interface Standings {
  /** The candidates. */
  readonly standings: ReadonlyArray<Standing>
  /** Those that would be candidates but for an override. Nobody holds the ones that are down. */
  readonly overridden: ReadonlyArray<Standing>
}

/** How the members stand for a name in one family. */
export const standingsOf = (options: {
  readonly host: string
  readonly ipv6: boolean
  readonly serving: ReadonlyArray<Serving>
  readonly down: DownTargets
  /** The members that are out by hand. */
  readonly overridden: ReadonlyMap<MemberEntry, unknown>
  readonly settings: SteeringSettings
  /** Milliseconds since the epoch. */
  readonly now: number
}): Standings => {
  const { down, host, ipv6, now, overridden, serving, settings } = options
  const whole = placeOf("", ipv6)
  const place = placeOf(host, ipv6)
  const eligible = serving.filter(({ profile }) => isEligible(profile.entry, ipv6)).map((candidate) => ({
    profile: candidate.profile,
    outage: outageOf(
      down.of(candidate.profile.names, whole),
      down.of(candidate.profile.names, place),
      candidate.services,
      host,
      settings
    )
  }))
  const isOut = ({ profile }: { readonly profile: Profile }) => overridden.has(profile.entry)
  const candidates = eligible.filter((it) => !isOut(it))
  const times = removalTimes(
    candidates.flatMap(({ outage, profile }) =>
      outage === undefined ? [] : [{ member: profile.entry.name, since: outage.since }]
    ),
    removalCap(candidates.length),
    now
  )
  const standing = ({ outage, profile }: (typeof eligible)[number], goesAt: number | undefined): Standing => ({
    profile,
    address: addressOf(profile.entry, ipv6),
    downs: outage?.downs ?? healthy,
    goesAt
  })
  return {
    standings: candidates.map((it) =>
      standing(it, it.outage === undefined ? undefined : times.get(it.profile.entry.name))
    ),
    overridden: eligible.filter(isOut).map((it) => standing(it, it.outage?.since))
  }
}

const healthy: ReadonlyArray<Official> = []

interface HostOutage {
  readonly downs: ReadonlyArray<Official>
  /** When they took the member out. */
  readonly since: number
}

/** The decisions that take a member out of a name. */
const outageOf = (
  onSite: ReadonlyArray<Official>,
  onHost: ReadonlyArray<Official>,
  services: ReadonlyArray<ServiceEntry>,
  host: string,
  settings: SteeringSettings
): HostOutage | undefined => {
  if (onSite.length === 0 && onHost.length === 0) return undefined
  const whole = [
    ...onSite.filter(({ target }) => target.checkType === "site"),
    ...onHost.filter(({ target }) => target.checkType === "domain")
  ]
  const endpoints = endpointOutages(onHost, services, host, settings)
  const downs = [...whole, ...endpoints?.downs ?? []]
  return downs.length === 0 ? undefined : {
    downs,
    since: Math.min(endpoints?.since ?? Number.POSITIVE_INFINITY, ...whole.map(({ decidedAt }) => decidedAt))
  }
}

/**
 * The endpoint outages on a host, if they count for the whole host: any does, or only more than a share of the services
 * that the member serves there. A service is down when any URL of it on the host is; the share was passed when the last
 * service that it takes went down.
 */
const endpointOutages = (
  onHost: ReadonlyArray<Official>,
  services: ReadonlyArray<ServiceEntry>,
  host: string,
  settings: SteeringSettings
): HostOutage | undefined => {
  const byUrl = Map.groupBy(
    onHost.filter(({ target }) => target.checkType === "endpoint"),
    ({ target }) => target.endpoint
  )
  // With all of them down there is nothing left to share, whatever the share.
  const tolerated = settings.SharedHost === "any"
    ? 0
    : Math.min(Math.floor(services.length * settings.SharePercent / 100), services.length - 1)
  if (byUrl.size === 0) return undefined
  const counted = new Set<Official>()
  const times: Array<number> = []
  for (const { endpoints } of services) {
    const downs = endpoints.flatMap((endpoint) => endpoint.host === host ? byUrl.get(endpoint.url) ?? [] : [])
    if (downs.length === 0) continue
    times.push(Math.min(...downs.map(({ decidedAt }) => decidedAt)))
    for (const down of downs) counted.add(down)
  }
  const since = times.sort((a, b) => a - b)[tolerated]
  return since === undefined ? undefined : { downs: [...counted], since }
}
