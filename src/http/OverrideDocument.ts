import * as Schema from "effect/Schema"

/** RFC 3339, UTC. */
const Time = Schema.String

/** Out at once and until further notice, or out for a time announced before. */
export const OverrideKind = Schema.Literals(["override", "maintenance"])

/** A member that an operator took out of service by hand. */
export const OverrideStatus = Schema.Struct({
  id: Schema.String,
  kind: OverrideKind,
  member: Schema.String,
  reason: Schema.String,
  author: Schema.String,
  /** The node where it was given. */
  node: Schema.String,
  at: Time,
  from: Time,
  /** Missing: until somebody ends it. */
  until: Schema.optionalKey(Time),
  ended: Schema.optionalKey(Schema.Struct({ at: Time, by: Schema.String, reason: Schema.String })),
  state: Schema.Literals(["planned", "active", "over"])
})
export type OverrideStatus = typeof OverrideStatus.Type

/** `POST /api/overrides`. */
export const OverrideRequestBody = Schema.Struct({
  kind: OverrideKind,
  /** Name or key. */
  member: Schema.NonEmptyString,
  reason: Schema.NonEmptyString,
  /** RFC 3339; now when missing. */
  from: Schema.optionalKey(Time),
  /** RFC 3339; until somebody ends it when missing. */
  until: Schema.optionalKey(Time),
  /** The person; the name of the key is always kept with it. */
  author: Schema.optionalKey(Schema.String)
})

/** A served name that an override leaves without a member. */
export const EmptiedName = Schema.Struct({
  name: Schema.String,
  /** The only IP version in which nobody is left; missing when nobody is left in any. */
  family: Schema.optionalKey(Schema.Literals(["IPv4", "IPv6"]))
})

/** What `POST /api/overrides` answers: the override, and what follows from it as far as this node knows. */
export const GivenOverride = Schema.Struct({
  ...OverrideStatus.fields,
  /** It does not hold for these names: they have no other member. At most 100 are named. */
  emptied: Schema.Struct({ total: Schema.Int, items: Schema.Array(EmptiedName) }),
  /** Since when the member is out because of earlier ones; missing when it was not. */
  alreadySince: Schema.optionalKey(Time),
  /** Whether this node has its broker. Without, the others learn of it when the broker is back. */
  connected: Schema.Boolean
})
export type GivenOverride = typeof GivenOverride.Type

/** `POST /api/overrides/end`: ends all of the kind that are in force or planned for the member. */
export const EndOverrideBody = Schema.Struct({
  kind: OverrideKind,
  /** Name or key. */
  member: Schema.NonEmptyString,
  reason: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String)
})

/** A list of overrides, the newest first. */
export const OverrideList = Schema.Struct({ overrides: Schema.Array(OverrideStatus) })
