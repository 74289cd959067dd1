import * as Schema from "effect/Schema"
import { NonNegative, withDefault } from "./Field.ts"

const Counts = Schema.Struct({
  requests: withDefault(NonNegative, 0),
  uniqueIPs: withDefault(NonNegative, 0),
  uniqueCClass: withDefault(NonNegative, 0),
  uniqueCountries: withDefault(NonNegative, 0)
})

/** The requests document: service → month `YYYY-MM` → counts. */
export const Requests = Schema.Record(
  Schema.String,
  Schema.Record(Schema.String, Schema.Struct({ dns: Schema.optionalKey(Counts), wss: Schema.optionalKey(Counts) }))
)
export type Requests = typeof Requests.Type
