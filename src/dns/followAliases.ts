import type { NameKey } from "./DomainName.ts"
import type { Alias, Found, ZoneData } from "./ZoneData.ts"

/** Aliases that are followed for one question. */
const maxAliases = 8

/** What a question leads to in the zones. */
export interface Followed {
  /** What is at the name of the question. */
  readonly first: Found
  readonly aliases: ReadonlyArray<Alias>
  /** What is at the end of the aliases; undefined when they lead in a circle, or on and on. */
  readonly end: Exclude<Found, Alias> | undefined
}

const noAliases: ReadonlyArray<Alias> = []

/**
 * Looks up a name and a type, and what its aliases lead to. What answers questions and what explains the answers both go by
 * this.
 */
export const followAliases = (zones: ZoneData, key: NameKey, type: number): Followed => {
  const first = zones.lookup(key, type)
  if (first._tag !== "Alias") return { first, aliases: noAliases, end: first }
  const aliases: Array<Alias> = []
  let found: Found = first
  while (found._tag === "Alias") {
    if (aliases.includes(found)) return { first, aliases, end: undefined }
    aliases.push(found)
    if (aliases.length > maxAliases) return { first, aliases, end: undefined }
    found = zones.lookup(found.target.key, type)
  }
  return { first, aliases, end: found }
}
