import type { MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import type { UnitVector } from "../geo/distance.ts"
import type { Choice } from "./Choice.ts"
import { type Down, type DownTargets, placeOf } from "./DownTargets.ts"
import { type Removal, removalCap, removalTimes } from "./removalCap.ts"

/** A member as steering wants it, prepared once per version of the configuration. */
export interface Profile {
  readonly entry: MemberEntry
  /** What decisions may call it: its name and its key, in lower case, unless the key is another's name. */
  readonly names: ReadonlyArray<string>
  readonly vector: UnitVector
  /** The hash of its name. */
  readonly hash: number
  readonly weight: number
  /** How it stands while nothing is down; undefined in a family in which it cannot answer, see {@link healthyStanding}. */
  readonly healthy: { readonly ipv4: Standing | undefined; readonly ipv6: Standing | undefined }
}

/** Who serves a name. */
export interface Serving {
  /** In the order of their names. */
  readonly profiles: ReadonlyArray<Profile>
  /** The services of a member that are on the name. */
  readonly servicesOf: (profile: Profile) => ReadonlyArray<ServiceEntry>
}

/** How a candidate for a name stands in one family. */
export interface Standing {
  readonly profile: Profile
  /** Its address of the family. */
  readonly address: string
  /** The answer that holds it alone, but for the TTL. */
  readonly alone: Omit<Choice, "ttl">
  /** The decisions that take it out; none when it is healthy. */
  readonly downs: ReadonlyArray<Down>
  /** When it went down, milliseconds since the epoch; undefined when it is healthy. */
  readonly downSince: number | undefined
  /** When it goes, milliseconds since the epoch; undefined when it is healthy. */
  readonly goesAt: number | undefined
}

/** The address of a member in one family, `""` for none. */
export const addressOf = ({ member: { Service } }: MemberEntry, ipv6: boolean): string =>
  ipv6 ? Service.ServiceIPv6 : Service.ServiceIPv4

/**
 * How a member stands while nothing is down. Undefined when it cannot answer in the family, whatever its health and whoever
 * takes it out by hand.
 */
export const healthyStanding = (profile: Profile, ipv6: boolean): Standing | undefined => {
  const { member } = profile.entry
  const address = addressOf(profile.entry, ipv6)
  return member.Service.Active && !member.Override && address !== ""
    ? {
      profile,
      address,
      alone: { addresses: [address], members: [profile.entry.name] },
      downs: noDowns,
      downSince: undefined,
      goesAt: undefined
    }
    : undefined
}

const noDowns: ReadonlyArray<Down> = []

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
  readonly serving: Serving
  readonly down: DownTargets
  /** The members that are out by hand. */
  readonly overridden: ReadonlyMap<MemberEntry, unknown>
  readonly settings: SteeringSettings
}): Standings => {
  const { down, host, ipv6, overridden, serving, settings } = options
  const whole = placeOf("", ipv6)
  const place = placeOf(host, ipv6)
  const isQuiet = !down.anyIn(whole) && !down.anyIn(place)
  const candidates: Array<Standing> = []
  const taken: Array<Standing> = []
  const outages = new Map<Standing, HostOutage>()
  const removals: Array<Removal> = []
  // A loop without a new object per member: there are members times names to look at.
  for (const profile of serving.profiles) {
    const standing = ipv6 ? profile.healthy.ipv6 : profile.healthy.ipv4
    if (standing === undefined) continue
    const isOut = overridden.size > 0 && overridden.has(profile.entry)
    ;(isOut ? taken : candidates).push(standing)
    if (isQuiet) continue
    const { names } = profile
    const outage = outageOf(down.of(names, whole), down.of(names, place), serving.servicesOf(profile), host, settings)
    if (outage === undefined) continue
    outages.set(standing, outage)
    if (isOut) continue
    const { decidedAt, since } = outage.removedBy
    removals.push({ member: profile.entry.name, decidedAt, since })
  }
  if (outages.size === 0) return { standings: candidates, overridden: taken }
  const times = removalTimes(removals, removalCap(candidates.length, settings.MaxRemovedShare))
  return {
    standings: candidates.map((standing) => {
      const outage = outages.get(standing)
      return outage === undefined
        ? standing
        : {
          ...standing,
          downs: outage.downs,
          downSince: outage.removedBy.since,
          goesAt: times.get(standing.profile.entry.name)
        }
    }),
    overridden: taken.map((standing) => {
      const outage = outages.get(standing)
      if (outage === undefined) return standing
      const { since } = outage.removedBy
      return { ...standing, downs: outage.downs, downSince: since, goesAt: since }
    })
  }
}

interface HostOutage {
  readonly downs: ReadonlyArray<Down>
  /** The one with which the member went. */
  readonly removedBy: Down
}

/** The decisions that take a member out of a name. */
const outageOf = (
  onSite: ReadonlyArray<Down>,
  onHost: ReadonlyArray<Down>,
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
  const removedBy = earliest(endpoints === undefined ? whole : [endpoints.removedBy, ...whole])
  return removedBy === undefined ? undefined : { downs: [...whole, ...endpoints?.downs ?? []], removedBy }
}

const byAge = (a: Down, b: Down): number => a.decidedAt - b.decidedAt

const earliest = (downs: ReadonlyArray<Down>): Down | undefined => downs.toSorted(byAge)[0]

/**
 * The endpoint outages on a host, if they count for the whole host: any does, or only more than a share of the services
 * that the member serves there. A service is down when any URL of it on the host is; the share was passed when the last
 * service that it takes went down.
 */
const endpointOutages = (
  onHost: ReadonlyArray<Down>,
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
  const counted = new Set<Down>()
  const firsts: Array<Down> = []
  for (const { endpoints } of services) {
    const downs = endpoints.flatMap((endpoint) => endpoint.host === host ? byUrl.get(endpoint.url) ?? [] : [])
    const first = earliest(downs)
    if (first === undefined) continue
    firsts.push(first)
    for (const down of downs) counted.add(down)
  }
  const removedBy = firsts.sort(byAge)[tolerated]
  return removedBy === undefined ? undefined : { downs: [...counted], removedBy }
}
