import { type Catalog, serves } from "../domain/Catalog.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"

/** A served name from which overrides took every member that could answer, in one family or both. */
export interface OverriddenName {
  readonly name: string
  /** The only family in which nobody is left; undefined when nobody is left in any. */
  readonly family: "IPv4" | "IPv6" | undefined
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
    const families = ([
      ["IPv4", there.filter(({ member }) => member.Service.ServiceIPv4 !== "")],
      ["IPv6", there.filter(({ member }) => member.Service.ServiceIPv6 !== "")]
    ] as const).filter(([, members]) => members.length > 0)
    const empty = families.filter(([, members]) => members.every((entry) => out.has(entry)))
    const by = [...new Set(empty.flatMap(([, members]) => members))].flatMap((entry) => out.get(entry) ?? [])
    return by.length === 0 ? [] : [{ name, by, family: empty.length < families.length ? empty[0]![0] : undefined }]
  })
}
