import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Config } from "../config/Config.ts"
import type { Catalog } from "../domain/Catalog.ts"
import { agentReportSubject, isAgentId } from "../domain/wire/Agent.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { Conditions } from "../node/Conditions.ts"
import { oncePerMinute } from "../node/oncePerMinute.ts"
import { readAgentReport } from "./agentReport.ts"
import { Heartbeats } from "./Heartbeats.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"
import { Strangers } from "./Strangers.ts"

/** Milliseconds between two reports of one agent that count: whoever sends more is not listened to in between. */
const pause = 500

/** How often it is looked whether agents are missing, or report for nobody. */
const lookEvery = "10 seconds"

/** Names that one condition shows. */
const shown = 10

const some = (names: ReadonlyArray<string>): string =>
  names.slice(0, shown).join(", ") + (names.length > shown ? ` and ${names.length - shown} more` : "")

const namesOf = function*({ members }: Catalog): Iterable<string> {
  for (const { key, name } of members) yield* [key, name]
}

/** What is wrong with an agent's document, where it is wrong. */
const memberHint = "GeoDNS.Agent.Member of its document has to be the key or the name of a member"

/**
 * Hears the agents of members and tells `Heartbeats`, also since when they can be heard: while there is no connection to the
 * broker nobody is silent. An agent speaks for the member whose key (or name) its id is, on the subject of that id alone, which a
 * broker can hold it to. What comes from others, or too often, is counted and dropped; mistakes are logged at most once a
 * minute. Members without an agent are the condition `agents`, agents that go on to report for nobody `agents:unknown`.
 */
export const hearAgents: Layer.Layer<never, never, Bus | Conditions | Config | Heartbeats> = Layer.effectDiscard(
  Effect.gen(function*() {
    const bus = yield* Bus
    const clock = yield* Clock.Clock
    const conditions = yield* Conditions
    const config = yield* Config
    const heartbeats = yield* Heartbeats
    const strangers = new Strangers()
    /** Member → when its last report counted. As large as there are members. */
    const heard = new Map<string, number>()
    const now = () => monotonicMillis(clock)

    const count = (result: keyof typeof metrics.reports) => Metric.update(metrics.reports[result], 1)
    const warn = (text: string) => {
      const limit = oncePerMinute(clock)
      return (annotations: Readonly<Record<string, string>>) =>
        limit((count) => Effect.annotateLogs(Effect.logWarning(text), { ...annotations, count }))
    }
    const warnMismatch = warn(
      "a report of an agent is on another subject than that of its id, and dropped: it belongs on agent.report.ID"
    )
    const warnUnknown = warn(`an agent reports for a member that the documents do not have: ${memberHint}`)

    yield* Messages.receive(
      Subject.AgentReports,
      Effect.fnUntraced(function*(report, { subject }) {
        const { agent_id: id } = report
        if (!isAgentId(id) || subject !== agentReportSubject(id)) {
          yield* count("mismatch")
          return yield* warnMismatch({ agent: id.slice(0, 128), subject })
        }
        const { catalog } = yield* config.current
        const member = catalog.member(id)
        if (member === undefined) {
          strangers.see(id, now(), () => namesOf(catalog))
          yield* count("unknown")
          return yield* warnUnknown({ agent: id })
        }
        strangers.forget(id)
        if (now() - (heard.get(member.name) ?? -Infinity) < pause) return yield* count("often")
        if (heard.size > catalog.members.length) heard.clear()
        heard.set(member.name, now())
        yield* heartbeats.report(member.name, readAgentReport(report))
        yield* count("taken")
      })
    ).pipe(Effect.catch((error) => Effect.logWarning(error.message)))

    yield* bus.connection.pipe(Stream.runForEach(heartbeats.listen), Effect.forkScoped({ startImmediately: true }))

    const say = (name: string, problem: string | undefined) =>
      problem === undefined ? conditions.clear(name) : conditions.raise(name, problem)
    yield* Effect.gen(function*() {
      const missing = yield* heartbeats.sought
      yield* say(
        "agents",
        missing.length === 0 ?
          undefined :
          `no agent of ${missing.length} member${
            missing.length === 1 ? "" : "s"
          } has reported since this monitor started, so that heartbeat says nothing of ${some(missing.toSorted())}: ` +
          "run geodns agent there, or see what keeps it from the broker"
      )
      const unknown = strangers.current(now())
      const named = unknown.map(({ id, meant }) => meant === undefined ? id : `${id} (is ${meant} meant?)`)
      yield* say(
        "agents:unknown",
        named.length === 0
          ? undefined
          : `agents report for members that the documents do not have: ${some(named)}: ${memberHint}`
      )
    }).pipe(
      Effect.catchCause((cause) => Effect.logError("cannot look after the agents", cause)),
      Effect.repeat(Schedule.spaced(lookEvery)),
      Effect.forkScoped
    )
  })
)
