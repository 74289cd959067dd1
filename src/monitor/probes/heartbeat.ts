import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Heartbeats } from "../Heartbeats.ts"
import { optionNames, Positive, readOptions } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"

const Options = Schema.Struct({
  /** Seconds that a report counts; the interval of the check when missing. */
  MaxAge: Schema.optionalKey(Positive)
})

/** What is said of a target that nothing can be said of. */
const noOpinion = (error = ""): ProbeResult => ({ up: undefined, error, data: null })

/**
 * Succeeds when the member's agent has reported within the interval that all is well. Data: `Age` in seconds, `Report`. No word
 * of a member whose agent was never heard, nor of silence in which nothing could be heard.
 */
export const makeHeartbeat = (heartbeats: Heartbeats["Service"]): Probe => ({
  ...probeKinds.heartbeat,
  options: optionNames(Options),
  single: "a single run hears no agents: ask a running monitor, /results?source=local",
  unusable: heartbeats.deaf,
  prepare: (raw) =>
    Result.map(readOptions(Options, raw), (options) =>
      Effect.fnUntraced(function*({ check, target }) {
        const maxAge = options.MaxAge === undefined ? check.interval : options.MaxAge * 1_000
        const listening = yield* heartbeats.listening
        if (listening === undefined) return noOpinion(heartbeats.deaf())
        const report = yield* heartbeats.last(target.member)
        if (report === undefined) {
          if (listening >= maxAge) yield* heartbeats.seek(target.member, 2 * check.interval + 30_000)
          return noOpinion()
        }
        const data = { Age: Math.round(report.age / 1_000), Report: report.data }
        if (report.age <= maxAge) {
          return { up: report.up, error: report.up ? "" : `the agent reports: ${report.error}`, data }
        }
        return listening <= maxAge
          ? noOpinion()
          : { up: false, error: `the agent has not reported for ${maxAge / 1_000} s`, data }
      }))
})
