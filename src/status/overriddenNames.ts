import { type Catalog, serves } from "../domain/Catalog.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"

/** A served name from which overrides took every member that could answer, in one family or both. */
export interface OverriddenName {
  readonly name: string
  /** The overrides that did it, by the names of their members. */
  readonly by: ReadonlyArray<Override>
}

/**
 * The names that have members in the documents, and none left because of overrides. `active` are the overrides in force by
 * the names of their members.
 */
export const overriddenNames = (
  catalog: Catalog,
  active: ReadonlyMap<string, Override>
): ReadonlyArray<OverriddenName> => {
  const out = overriddenMembers(catalog, active)
  if (out.size === 0) return []
  const serving = catalog.members.filter(({ member }) => member.Service.Active && !member.Override)
  return [...catalog.hosts].flatMap(([name, services]) => {
    const there = serving.filter((entry) => serves(entry, services))
    const families = [
      there.filter(({ member }) => member.Service.ServiceIPv4 !== ""),
      there.filter(({ member }) => member.Service.ServiceIPv6 !== "")
    ].filter((members) => members.length > 0 && members.every((entry) => out.has(entry)))
    const by = [...new Set(families.flat())].flatMap((entry) => out.get(entry) ?? [])
    return by.length === 0 ? [] : [{ name, by }]
  })
}
