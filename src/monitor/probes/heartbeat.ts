import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Heartbeats } from "../Heartbeats.ts"
import { Positive, readOptions } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"

const Options = Schema.Struct({
  /** Seconds that a report counts; the interval of the check when missing. */
  MaxAge: Schema.optionalKey(Positive)
})

/** What is said of a target that nothing can be said of yet: this node has not listened for long enough. */
const tooEarly: ProbeResult = { up: undefined, error: "", data: null }

/** Succeeds when the member's agent has reported within the interval that all is well. Data: `Age` in seconds, `Report`. */
export const makeHeartbeat = (heartbeats: Heartbeats["Service"]): Probe => ({
  ...probeKinds.heartbeat,
  prepare: (raw) =>
    Result.map(readOptions(Options, raw), (options) =>
      Effect.fnUntraced(function*({ check, target }) {
        const maxAge = options.MaxAge === undefined ? check.interval : options.MaxAge * 1_000
        const report = yield* heartbeats.last(target.member)
        if (report === undefined) {
          return (yield* heartbeats.listening) < maxAge
            ? tooEarly
            : { up: false, error: "the agent has never reported", data: null }
        }
        const data = { Age: Math.round(report.age / 1_000), Report: report.data }
        if (report.age > maxAge) return { up: false, error: `the agent has not reported for ${maxAge / 1_000} s`, data }
        return { up: report.up, error: report.up ? "" : `the agent reports: ${report.error}`, data }
      }))
})
