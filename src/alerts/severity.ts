import { type Catalog, hostName, type MemberEntry, type ServiceEntry } from "../domain/Catalog.ts"
import type { Outage } from "../domain/Outage.ts"
import type { Target } from "../domain/Target.ts"
import type { Severity } from "./AlertMessage.ts"

/** What of its member a target is: all of it, the services of a host name, or those of a URL. */
const servicesOf = (catalog: Catalog, entry: MemberEntry, target: Target): ReadonlyArray<ServiceEntry> => {
  const there = target.checkType === "site"
    ? entry.services
    : target.checkType === "domain"
    ? catalog.hosts.get(hostName(target.domain)) ?? []
    : catalog.urls.get(target.endpoint) ?? []
  return there.filter((service) => entry.services.includes(service))
}

const family = (target: Target): string => target.ipv6 ? "6" : "4"

/**
 * How bad outages are, beside all that is open. In one IP version, `critical` when a whole member of them is out, that is
 * every service that it serves, or more than half of the members with an address that serve a service of theirs.
 */
export const severityIn = (catalog: Catalog, open: ReadonlyArray<Outage>) => {
  /** IP version and member → what is out of it. */
  const out = new Map<string, Set<ServiceEntry>>()
  /** IP version and service → the members of which it is out. */
  const without = new Map<string, Set<MemberEntry>>()
  for (const { target } of open) {
    const entry = catalog.member(target.member)
    if (entry === undefined) continue
    const key = `${family(target)} ${entry.key}`
    const services = out.get(key) ?? new Set()
    out.set(key, services)
    for (const service of servicesOf(catalog, entry, target)) {
      services.add(service)
      const at = `${family(target)} ${service.key}`
      without.set(at, (without.get(at) ?? new Set()).add(entry))
    }
  }
  const serving = (service: ServiceEntry, ipv6: boolean): number =>
    catalog.members.filter(({ member: { Service }, services }) =>
      Service.Active && (ipv6 ? Service.ServiceIPv6 : Service.ServiceIPv4) !== "" && services.includes(service)
    ).length
  const isCritical = ({ target }: Outage): boolean => {
    const entry = catalog.member(target.member)
    if (entry === undefined) return false
    if (target.checkType === "site") return true
    const all = entry.services.length
    if (all > 0 && out.get(`${family(target)} ${entry.key}`)?.size === all) return true
    return servicesOf(catalog, entry, target).some((service) =>
      (without.get(`${family(target)} ${service.key}`)?.size ?? 0) * 2 > serving(service, target.ipv6)
    )
  }
  return (outages: ReadonlyArray<Outage>): Severity =>
    outages.some((outage) => outage.end === undefined && isCritical(outage)) ? "critical" : "warning"
}
