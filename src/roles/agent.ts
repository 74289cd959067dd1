import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import { Bus } from "../bus/Bus.ts"
import { natsOptions } from "../bus/NatsOptions.ts"
import { Documents } from "../config/Documents.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { SeenService } from "../monitor/agentReport.ts"
import { Probes } from "../monitor/Probes.ts"
import { planAgent, runAgent } from "../monitor/runAgent.ts"
import { logLevels } from "./node.ts"
import { placeOf } from "./Place.ts"
import { Incomplete, RoleError } from "./RoleError.ts"

/** What an agent is, once its local document is read. */
export interface Agent {
  readonly member: string
  readonly services: ReadonlyArray<string>
  /** Seconds. */
  readonly interval: number
}

const incomplete = (detail: string) => new RoleError({ reason: new Incomplete({ detail }) })

/**
 * The agent of a member, which reports until it is interrupted. `path` is the local document, of which it needs `GeoDNS.Agent`
 * and the broker. It is no node of the cluster: it hears nothing, keeps no files, and reads its document once.
 */
export const agent = Effect.fnUntraced(function*(path: string, options: {
  readonly onStart: (agent: Agent) => Effect.Effect<void>
  readonly onReport: (seen: ReadonlyArray<SeenService>, problem: string | undefined) => Effect.Effect<void>
}) {
  const local = yield* readLocal(path, { uses: ["Nats"] }).pipe(Effect.provide(Documents.layer))
  const settings = local.GeoDNS.Agent
  if (settings === undefined) {
    return yield* incomplete(`${path} does not say what the agent looks at: give it GeoDNS.Agent with a Member`)
  }
  const plan = yield* Effect.fromResult(planAgent(settings, yield* Probes)).pipe(
    Effect.mapError((problems) => incomplete(problems.join("\n")))
  )
  yield* options.onStart({ member: settings.Member, services: [...plan.keys()], interval: settings.Interval })
  const place = placeOf(path, local)
  yield* runAgent(settings, plan, options.onReport).pipe(
    Effect.provide(Layer.mergeAll(
      Bus.layerNats({ ...natsOptions(local, place.file), name: settings.Member }),
      Layer.succeed(
        References.MinimumLogLevel,
        logLevels[local.System.LogLevel.toLowerCase()] ?? "Info" satisfies LogLevel
      )
    ))
  )
}, Effect.provide(Probes.layer))
