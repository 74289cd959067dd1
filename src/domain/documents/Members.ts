import * as Schema from "effect/Schema"
import { Ipv4Text, Ipv6Text } from "./Address.ts"
import { Switch, Text, Texts, withDefault } from "./Field.ts"

/** One infrastructure provider. */
export const Member = Schema.Struct({
  Details: Schema.Struct({ Name: Schema.NonEmptyString, Website: Text, Logo: Text }),
  Membership: Schema.Struct({
    MemberLevel: Schema.Int,
    /** Seconds since the epoch. */
    Joined: withDefault(Schema.Finite, 0),
    /** Seconds since the epoch. */
    LastRankup: withDefault(Schema.Finite, 0)
  }),
  Service: Schema.Struct({
    Active: Switch,
    ServiceIPv4: Ipv4Text,
    ServiceIPv6: Ipv6Text,
    MonitorUrl: Text,
    /** Of v2; nothing reads it. */
    PrometheusEndpoint: Schema.optionalKey(Schema.NullOr(Schema.String))
  }),
  /** Group → keys of services. The groups are the operators' own; only the service keys count. */
  ServiceAssignments: withDefault(Schema.Record(Schema.String, Texts), {}),
  Location: Schema.Struct({
    Region: Text,
    Latitude: Schema.Finite.check(Schema.isBetween({ minimum: -90, maximum: 90 })),
    Longitude: Schema.Finite.check(Schema.isBetween({ minimum: -180, maximum: 180 }))
  }),
  /** Taken out by hand. */
  Override: withDefault(Schema.Boolean, false),
  OverrideTime: Schema.optionalKey(Schema.String)
})
export type Member = typeof Member.Type

/** The members document: key → member. */
export const Members = Schema.Record(Schema.String, Member)
export type Members = typeof Members.Type
