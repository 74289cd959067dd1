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

/** When an override stops to hold; undefined when nobody knows yet. */
export const overrideEnd = ({ ended, until }: Override): number | undefined =>
  ended === undefined ? until : until === undefined ? ended.at : Math.min(ended.at, until)

/** Whether a member is out because of this override at a time in milliseconds since the epoch. */
export const holdsAt = (override: Override, now: number): boolean =>
  override.from <= now && now < (overrideEnd(override) ?? Number.POSITIVE_INFINITY)
