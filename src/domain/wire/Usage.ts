import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { Flag, List, Text } from "./Field.ts"

/** A UTC day, `YYYY-MM-DD`. */
export const Day = Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/, { expected: "a day, YYYY-MM-DD" }))

/** The day of a time in milliseconds since the epoch, in UTC. */
export const dayOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** A day that v2 sends as `2026-04-21` or as `2026-04-21T00:00:00Z`. */
const WireDay = Schema.String.pipe(
  Schema.decodeTo(Day, SchemaTransformation.transform({ decode: (s) => s.slice(0, 10), encode: (s) => s }))
)

/** `dns.usage.getUsage`: asks DNS nodes for their totals; an empty filter means all. */
export const UsageRequest = Schema.Struct({
  startDate: Day,
  endDate: Day,
  domain: Text,
  memberName: Text,
  country: Text
})
export type UsageRequest = typeof UsageRequest.Type

/** One total of one node. `nodeid` is `""` from v2: take the response's `nodeID`. */
export const UsageRecord = Schema.Struct({
  nodeid: Text,
  date: WireDay,
  domain: Text,
  memberName: Text,
  countryCode: Text,
  asn: Text,
  networkName: Text,
  countryName: Text,
  hits: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  isIPv6: Flag
})
export type UsageRecord = typeof UsageRecord.Type

/** The answer to a {@link UsageRequest}; `usageRecords` is null from v2 when empty. */
export const UsageResponse = Schema.Struct({
  nodeID: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
  usageRecords: List(UsageRecord),
  error: Schema.optionalKey(Schema.String)
})
export type UsageResponse = typeof UsageResponse.Type
