import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { Bus } from "../bus/Bus.ts"
import { natsOptions } from "../bus/NatsOptions.ts"
import { Documents } from "../config/Documents.ts"
import { formatPath, type Problem } from "../config/Problem.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { AgentSettings } from "../domain/documents/GeoDns.ts"
import type { SeenService } from "../monitor/agentReport.ts"
import { unreadOptions } from "../monitor/optionRemarks.ts"
import { Probes } from "../monitor/Probes.ts"
import { planAgent, runAgent } from "../monitor/runAgent.ts"
import { logLevels } from "./node.ts"
import { placeOf } from "./Place.ts"
import type { ProbeOptions } from "./probing.ts"
import { Incomplete, RoleError } from "./RoleError.ts"
import { unusableSettings } from "./unusable.ts"
import { usedBy } from "./uses.ts"

/** What an agent is, once its local document is read. */
export interface Agent {
  readonly member: string
  readonly services: ReadonlyArray<string>
  /** Seconds. */
  readonly interval: number
}

const incomplete = (detail: string) => new RoleError({ reason: new Incomplete({ detail }) })

const agentOf = ({ Interval, Member }: AgentSettings, services: Iterable<string>): Agent => ({
  member: Member,
  services: [...services],
  interval: Interval
})

/**
 * The agent of a member, which reports until it is interrupted. `path` is the local document, of which it needs `GeoDNS.Agent`
 * and the broker. It is no node of the cluster: it hears nothing, keeps no files, and reads its document once.
 */
export const agent = (path: string, { onReport, onStart, probes = Probes.layer }: ProbeOptions & {
  readonly onStart: (agent: Agent) => Effect.Effect<void>
  readonly onReport: (seen: ReadonlyArray<SeenService>, problem: string | undefined) => Effect.Effect<void>
}) =>
  Effect.gen(function*() {
    const local = yield* readLocal(path, { uses: usedBy.agent }).pipe(Effect.provide(Documents.layer))
    const settings = local.GeoDNS.Agent
    if (settings === undefined) {
      return yield* incomplete(`${path} does not say what the agent looks at: give it GeoDNS.Agent with a Member`)
    }
    const plan = yield* Effect.fromResult(planAgent(settings, yield* Probes)).pipe(
      Effect.mapError((problems) => incomplete(problems.join("\n")))
    )
    yield* onStart(agentOf(settings, plan.keys()))
    const place = placeOf(path, local)
    yield* runAgent(settings, plan, onReport).pipe(
      Effect.provide(Layer.mergeAll(
        Bus.layerNats({ ...natsOptions(local, place.file), name: settings.Member }),
        Layer.succeed(
          References.MinimumLogLevel,
          logLevels[local.System.LogLevel.toLowerCase()] ?? "Info" satisfies LogLevel
        )
      ))
    )
  }).pipe(Effect.provide(probes))

/** What an agent would make of its local document. */
export interface AgentPreview {
  /** Undefined when it would not start. */
  readonly agent: Agent | undefined
  readonly problems: ReadonlyArray<Problem>
}

/**
 * Looks at what a local document says for an agent: what keeps it from starting is an error, an option that no probe reads a
 * warning. Undefined when it says nothing for one. Nothing is connected to.
 */
export const previewAgent = (path: string, { probes = Probes.layer }: ProbeOptions = {}) =>
  Effect.gen(function*() {
    const local = yield* readLocal(path, { uses: usedBy.agent })
    const settings = local.GeoDNS.Agent
    if (settings === undefined) return undefined
    const known = yield* Probes
    const planned = planAgent(settings, known)
    const wrong = Result.match(planned, { onSuccess: () => [], onFailure: (problems) => problems })
    const remarks = Object.entries(settings.Services).flatMap(([name, service]) => {
      const probe = known.get(service.Probe)
      const at = ["GeoDNS", "Agent", "Services", name, "ExtraOptions"]
      return probe === undefined ? [] : unreadOptions(at, probe, service.ExtraOptions)
    })
    return {
      agent: Result.isSuccess(planned) ? agentOf(settings, planned.success.keys()) : undefined,
      problems: [
        ...unusableSettings(local, usedBy.agent),
        ...wrong.map((problem): Problem => {
          const end = problem.indexOf(": ")
          return {
            severity: "error",
            document: "local",
            path: problem.slice(0, end),
            expected: "what an agent can do",
            found: `what it cannot: ${problem.slice(end + 2)}`
          }
        }),
        ...remarks.map(({ path, ...remark }): Problem => ({
          severity: "warning",
          document: "local",
          path: formatPath(path),
          ...remark
        }))
      ]
    } satisfies AgentPreview
  }).pipe(Effect.provide([probes, Documents.layer]))
