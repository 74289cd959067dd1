import { domainToASCII } from "node:url"
import type { Member, Members } from "./documents/Members.ts"
import type { Service, Services } from "./documents/Services.ts"
import { atOnce, type Slices } from "./Slices.ts"
import type { Target } from "./Target.ts"

/** One URL of a service. `host` is lower case without a trailing dot, `url` exactly as configured. */
export interface Endpoint {
  readonly host: string
  readonly url: string
}

/** A service that is active, with its distinct URLs. */
export interface ServiceEntry {
  readonly key: string
  readonly service: Service
  readonly endpoints: ReadonlyArray<Endpoint>
}

/** A member with the active services that it serves: assigned to it, and with the level for it. */
export interface MemberEntry {
  readonly key: string
  /** `Details.Name`: what the wire and the store carry. */
  readonly name: string
  readonly member: Member
  /** Often the same list for members that serve the same. */
  readonly services: ReadonlyArray<ServiceEntry>
}

/** What the members and services documents say together: who serves what, under which name. */
export interface Catalog {
  readonly members: ReadonlyArray<MemberEntry>
  readonly services: ReadonlyArray<ServiceEntry>
  /** Host name → the active services that have a URL on it. */
  readonly hosts: ReadonlyMap<string, ReadonlyArray<ServiceEntry>>
  /** URL → the active services that have it. */
  readonly urls: ReadonlyMap<string, ReadonlyArray<ServiceEntry>>
  /** Looks a member up by key or by `Details.Name`, in any case; a name wins over a key. */
  readonly member: (keyOrName: string) => MemberEntry | undefined
}

/** A host name in the form that all look-ups use: ASCII, lower case, no trailing dot. `""` when it is none. */
export const hostName = (name: string): string => {
  const bare = name.endsWith(".") ? name.slice(0, -1) : name
  return /^[\x21-\x7e]*$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare)
}

/** The host of a URL, or `undefined` when it is no URL with a host. */
export const hostOf = (url: string): string | undefined => {
  const host = URL.canParse(url) ? hostName(new URL(url).hostname) : ""
  return host === "" ? undefined : host
}

const endpointsOf = (service: Service): ReadonlyArray<Endpoint> => {
  const urls = new Set(Object.values(service.Providers).flatMap((provider) => provider.RpcUrls))
  return [...urls].flatMap((url) => {
    const host = hostOf(url)
    return host === undefined ? [] : [{ host, url }]
  })
}

const addTo = (index: Map<string, Array<ServiceEntry>>, key: string, entry: ServiceEntry): void => {
  const there = index.get(key)
  if (there === undefined) index.set(key, [entry])
  else there.push(entry)
}

/** Builds the catalog. Inactive services are left out; inactive members stay, so that they can be explained. */
export const makeCatalog = (members: Members, services: Services): Catalog => atOnce(catalogInSlices(members, services))

/** What a member is assigned, and what it serves of that. */
interface Assigned {
  readonly level: number
  readonly assignments: Member["ServiceAssignments"]
  readonly services: ReadonlyArray<ServiceEntry>
}

/** Lists of assignments that are compared with the next one: members have few different ones. */
const maxRecent = 8

const isSameAssignment = (a: Assigned, { Membership, ServiceAssignments }: Member): boolean => {
  if (a.level !== Membership.MemberLevel) return false
  const [old, now] = [Object.values(a.assignments), Object.values(ServiceAssignments)]
  return old.length === now.length &&
    old.every((keys, i) => keys.length === now[i]!.length && keys.every((key, k) => key === now[i]![k]))
}

/** Assignments looked at before {@link catalogInSlices} gives way: about a millisecond. */
const sliceLength = 10_000

/** The same, giving way to others again and again: there are members times services to look at. */
export const catalogInSlices = function*(members: Members, services: Services): Slices<Catalog> {
  const entries = new Map<string, ServiceEntry>()
  const hosts = new Map<string, Array<ServiceEntry>>()
  const urls = new Map<string, Array<ServiceEntry>>()
  for (const [key, service] of Object.entries(services)) {
    if (!service.Configuration.Active) continue
    const entry: ServiceEntry = { key, service, endpoints: endpointsOf(service) }
    entries.set(key, entry)
    for (const host of new Set(entry.endpoints.map((endpoint) => endpoint.host))) addTo(hosts, host, entry)
    for (const { url } of entry.endpoints) addTo(urls, url, entry)
  }
  const servicesOf = (member: Member): ReadonlyArray<ServiceEntry> => {
    const services = new Set<ServiceEntry>()
    for (const serviceKey of Object.values(member.ServiceAssignments).flat()) {
      const entry = entries.get(serviceKey)
      if (entry !== undefined && member.Membership.MemberLevel >= entry.service.Configuration.LevelRequired) {
        services.add(entry)
      }
    }
    return [...services]
  }
  const memberEntries: Array<MemberEntry> = []
  let recent: ReadonlyArray<Assigned> = []
  let work = 0
  for (const [key, member] of Object.entries(members)) {
    const { Details, Membership, ServiceAssignments } = member
    let assigned = recent.find((one) => isSameAssignment(one, member))
    if (assigned === undefined) {
      assigned = { level: Membership.MemberLevel, assignments: ServiceAssignments, services: servicesOf(member) }
      recent = [assigned, ...recent.slice(0, maxRecent - 1)]
    }
    memberEntries.push({ key, name: Details.Name, member, services: assigned.services })
    for (const keys of Object.values(ServiceAssignments)) work += keys.length
    if (work > sliceLength) {
      work = 0
      yield
    }
  }
  const lookup = new Map<string, MemberEntry>()
  for (const entry of memberEntries) lookup.set(entry.key.toLowerCase(), entry)
  for (const entry of memberEntries) lookup.set(entry.name.toLowerCase(), entry)
  return {
    members: memberEntries,
    services: [...entries.values()],
    hosts,
    urls,
    member: (keyOrName) => lookup.get(keyOrName.toLowerCase())
  }
}

/** Whether a member serves one of these services, as {@link Catalog.hosts} has them for a name. */
export const serves = (member: MemberEntry, services: ReadonlyArray<ServiceEntry> = []): boolean =>
  services.some((service) => member.services.includes(service))

/**
 * Whether the documents still know a target: an active member of exactly this name, with an address of the IP version,
 * that serves the host name or the URL. Taking a member out by hand does not make its targets unknown.
 */
export const isServed = (catalog: Catalog, target: Target): boolean => {
  const entry = catalog.member(target.member)
  // A key finds the member too, but decisions carry names: after a change of name nobody decides on the old one.
  if (entry?.name.toLowerCase() !== target.member.toLowerCase()) return false
  const { Active, ServiceIPv4, ServiceIPv6 } = entry.member.Service
  if (!Active || (target.ipv6 ? ServiceIPv6 : ServiceIPv4) === "") return false
  switch (target.checkType) {
    case "site":
      return true
    case "domain":
      return serves(entry, catalog.hosts.get(hostName(target.domain)))
    case "endpoint":
      return serves(entry, catalog.urls.get(target.endpoint))
  }
}
