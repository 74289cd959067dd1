import * as Schema from "effect/Schema"

/** What a check looks at: the whole member, one host name of it, or one URL. */
export const CheckType = Schema.Literals(["site", "domain", "endpoint"])
export type CheckType = typeof CheckType.Type

/**
 * What one check looks at on one member. Its identity is all six fields.
 *
 * `member` is `Details.Name`, as on the wire. `domain` and `endpoint` are `""` where they do not apply: a `site` target
 * has neither, a `domain` target no endpoint; an `endpoint` target has the host name and the URL exactly as configured.
 */
export const Target = Schema.Struct({
  checkType: CheckType,
  check: Schema.String,
  member: Schema.String,
  domain: Schema.String,
  endpoint: Schema.String,
  ipv6: Schema.Boolean
})
export type Target = typeof Target.Type

/** The identity of a target as one string: two targets are the same exactly when their keys are equal. */
export type TargetKey = string & { readonly TargetKey: unique symbol }

/** What identifies a target, in the one order in which it is hashed and signed. */
export const targetFields = (t: Target) => [t.checkType, t.check, t.member, t.domain, t.endpoint, t.ipv6] as const

/** Encodes the identity of a target. JSON, because it is injective whatever characters a name holds. */
export const targetKey = (t: Target): TargetKey => JSON.stringify(targetFields(t)) as TargetKey

/** A target for people: `endpoint wss Potomac Works wss://rpc.example/kusama (IPv6)`. */
export const describeTarget = (t: Target): string =>
  [t.checkType, t.check, t.member, t.endpoint === "" ? t.domain : t.endpoint, t.ipv6 ? "(IPv6)" : "(IPv4)"]
    .filter((part) => part !== "")
    .join(" ")
