import type { Catalog, MemberEntry } from "./Catalog.ts"
import type { Target } from "./Target.ts"

/**
 * A member taken out of service by hand: at once and until further notice (`override`), or for a time announced before
 * (`maintenance`). It never changes after it was given, but for its end.
 */
export interface Override {
  readonly id: string
  readonly kind: OverrideKind
  /** `Details.Name`. */
  readonly member: string
  readonly reason: string
  /** Who gave it: the name of the key, or of the person as the command line told. */
  readonly author: string
  /** The node where it was given. */
  readonly node: string
  /** When it was given. Milliseconds since the epoch, as all times here. */
  readonly at: number
  /** When it begins to hold. */
  readonly from: number
  /** When it ends by itself; undefined when somebody has to end it. */
  readonly until: number | undefined
  /** Ended by hand, before or after it began. */
  readonly ended: { readonly at: number; readonly by: string; readonly reason: string } | undefined
}

export type OverrideKind = "override" | "maintenance"

/** How an override stands: announced, in force, or over. */
export type OverrideState = "planned" | "active" | "over"

/** When an override stops to hold; undefined when nobody knows yet. */
export const overrideEnd = ({ ended, until }: Override): number | undefined =>
  ended === undefined ? until : until === undefined ? ended.at : Math.min(ended.at, until)

/**
 * How an override stands now, in milliseconds since the epoch.
 *
 * What was given to hold at once, or was ended, is so as soon as it is known, whatever our clock says: that of the node
 * where it was given may be ahead of ours. Only a time that somebody planned is waited for.
 */
export const overrideState = ({ at, ended, from, until }: Override, now: number): OverrideState =>
  ended !== undefined || (until !== undefined && until <= now)
    ? "over"
    : from <= at || from <= now
    ? "active"
    : "planned"

/** Whether a member is out because of this override now, in milliseconds since the epoch. */
export const holdsAt = (override: Override, now: number): boolean => overrideState(override, now) === "active"

/** Which members of a catalog are out, of the overrides in force by the names of their members. */
export const overriddenMembers = (
  catalog: Catalog,
  active: ReadonlyMap<string, Override>
): ReadonlyMap<MemberEntry, Override> => {
  const out = new Map<MemberEntry, Override>()
  for (const [name, override] of active) {
    const entry = catalog.member(name)
    if (entry !== undefined) out.set(entry, override)
  }
  return out
}

/** Whether a site check of this name would be taken for the record of an override: both are kept in one table. */
export const isReservedCheck = (name: string): name is OverrideKind => name === "override" || name === "maintenance"

/** Whether a row of the outages is the record of an override, and no outage. */
export const isOverrideRecord = ({ check, checkType }: Target): boolean =>
  checkType === "site" && isReservedCheck(check)
