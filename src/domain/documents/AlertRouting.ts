import * as Schema from "effect/Schema"
import { Text, withDefault } from "./Field.ts"

/** The alerts document: who is told about which member, and where. */
export const AlertRouting = Schema.Struct({
  matrix: withDefault(
    Schema.Struct({
      room: Text,
      internal_room: Text,
      /** Member key or name, in any case → ids of the people to mention. */
      members: withDefault(Schema.Record(Schema.String, Schema.Array(Schema.String)), {})
    }),
    {}
  )
})
export type AlertRouting = typeof AlertRouting.Type
