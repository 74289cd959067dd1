import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Data, Flag, List, Text, WireCheckType } from "./Field.ts"
import { WireTime } from "./WireTime.ts"

/** `monitor.stats.getDowntime`: asks monitors for the outages that they know. */
export const DowntimeRequest = Schema.Struct({ startTime: WireTime, endTime: WireTime, memberName: Text })
export type DowntimeRequest = typeof DowntimeRequest.Type

/** One outage; `endTime` is the zero time while it is open. */
export const DowntimeEvent = Schema.Struct({
  memberName: Text,
  checkType: WireCheckType,
  checkName: Text,
  domainName: Schema.optionalKey(Schema.String),
  endpoint: Schema.optionalKey(Schema.String),
  status: Flag,
  startTime: WireTime,
  endTime: WireTime,
  errorText: Text,
  data: Data,
  isIPv6: Flag
})
export type DowntimeEvent = typeof DowntimeEvent.Type

/** The answer to a {@link DowntimeRequest}. */
export const DowntimeResponse = Schema.Struct({
  nodeID: Schema.String.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
  events: List(DowntimeEvent),
  error: Schema.optionalKey(Schema.String)
})
export type DowntimeResponse = typeof DowntimeResponse.Type
