import type { Catalog, ServiceEntry } from "../domain/Catalog.ts"
import { addressOf } from "./Standing.ts"

/** A name with URLs of services to which no member can be given as an answer, whatever its health. */
export interface UnservedName {
  /** In the form of `hostName`. */
  readonly name: string
  /** The services on the name. */
  readonly services: ReadonlyArray<string>
  /** What it lacks: anybody who is assigned and has the level, or of those one that is active, not out by hand and has an address. */
  readonly lacks: "members" | "answers"
}

/** The names that nobody can answer for. A node serves them without a single address. */
export const unservedNames = (catalog: Catalog): ReadonlyArray<UnservedName> => {
  const assigned = new Set<ServiceEntry>()
  const served = new Set<ServiceEntry>()
  for (const entry of catalog.members) {
    const { Override, Service } = entry.member
    const canAnswer = Service.Active && !Override && (addressOf(entry, false) !== "" || addressOf(entry, true) !== "")
    for (const service of entry.services) {
      assigned.add(service)
      if (canAnswer) served.add(service)
    }
  }
  return [...catalog.hosts].flatMap(([name, services]): ReadonlyArray<UnservedName> =>
    services.some((service) => served.has(service)) ? [] : [{
      name,
      services: services.map(({ key }) => key),
      lacks: services.some((service) => assigned.has(service)) ? "answers" : "members"
    }]
  )
}
