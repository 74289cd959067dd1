import * as Schema from "effect/Schema"
import { NonNegative, withDefault } from "./Field.ts"

/** The longest TTL, in seconds (RFC 2181, 8). */
export const maxTtl = 0x7fffffff

/** One static record. Names may be in any case and may end in a dot. */
export const StaticRecord = Schema.Struct({
  qname: Schema.NonEmptyString,
  qtype: Schema.NonEmptyString,
  content: Schema.String,
  ttl: withDefault(NonNegative, 3600),
  auth: withDefault(Schema.Boolean, true),
  domain_id: withDefault(Schema.Int, 0)
})
export type StaticRecord = typeof StaticRecord.Type

/** The document of static records. */
export const StaticDns = Schema.Array(StaticRecord)
export type StaticDns = typeof StaticDns.Type
