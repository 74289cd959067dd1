import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Config } from "../config/Config.ts"
import { agentReportSubject, isAgentId } from "../domain/wire/Agent.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { readAgentReport } from "./agentReport.ts"
import { Heartbeats } from "./Heartbeats.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"

/** Milliseconds between two reports of one agent that count: whoever sends more is not listened to in between. */
const pause = 500

/**
 * Hears the agents of members and tells `Heartbeats`. An agent speaks for the member whose key (or name) its id is, on the
 * subject of that id alone, which a broker can hold it to. What comes from others, or too often, is counted and dropped.
 */
export const hearAgents: Layer.Layer<never, never, Bus | Config | Heartbeats> = Layer.effectDiscard(
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const config = yield* Config
    const heartbeats = yield* Heartbeats
    /** Member → when its last report counted. As large as there are members. */
    const heard = new Map<string, number>()

    const count = (result: keyof typeof metrics.reports) => Metric.update(metrics.reports[result], 1)

    yield* Messages.receive(
      Subject.AgentReports,
      Effect.fnUntraced(function*(report, { subject }) {
        const { agent_id: id } = report
        if (!isAgentId(id) || subject !== agentReportSubject(id)) return yield* count("mismatch")
        const { catalog } = yield* config.current
        const member = catalog.member(id)
        if (member === undefined) return yield* count("unknown")
        const now = monotonicMillis(clock)
        if (now - (heard.get(member.name) ?? -Infinity) < pause) return yield* count("often")
        if (heard.size > catalog.members.length) heard.clear()
        heard.set(member.name, now)
        yield* heartbeats.report(member.name, readAgentReport(report))
        yield* count("taken")
      })
    ).pipe(Effect.catch((error) => Effect.logWarning(error.message)))
  })
)
