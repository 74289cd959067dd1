import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Id, Text } from "./Field.ts"
import { WireTime } from "./WireTime.ts"

/** One service in an agent's report. `latency` in nanoseconds, absent when 0. */
export const AgentService = Schema.Struct({
  name: Text,
  status: Schema.Literals(["up", "down", "degraded"]),
  latency: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  last_check: WireTime,
  error: Schema.optionalKey(Schema.String)
})
export type AgentService = typeof AgentService.Type

const prefix = "agent.report."

/** Characters of an id in the name of its subject. */
const maxIdLength = 128

/** Where an agent reports. What cannot be part of a subject is `_` in it. */
export const agentReportSubject = (id: string): string =>
  `${prefix}${id.slice(0, maxIdLength).replaceAll(/[\s*>\p{Cc}]|^\.|\.$|\.(?=\.)/gu, "_") || "_"}`

/** Whether an agent can report under this id: it stands in the name of its subject as it is. */
export const isAgentId = (id: string): boolean => agentReportSubject(id) === prefix + id

/** `agent.report.<AgentID>`: a member's own agent says what it sees. */
export const AgentReport = Schema.Struct({
  agent_id: Id,
  timestamp: WireTime,
  status: Text,
  services: Schema.NullOr(Schema.Record(Schema.String, AgentService)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(null))
  ),
  metrics: Schema.optionalKey(Schema.Unknown)
})
export type AgentReport = typeof AgentReport.Type
