import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { monotonicMillis } from "../monotonic.ts"
import { ConnectTimeout, connectWithin, optionNames, readOptions } from "../options.ts"
import { type Probe, probeKinds } from "../Probe.ts"
import { dialTcp, resultOf } from "./dial.ts"

const Options = Schema.Struct({ ConnectTimeout, Port: Schema.optionalKey(Schema.Unknown) })

/** Succeeds when the member accepts a connection. Data: `LatencyMs`. A site check needs the option `Port`. */
export const tcp: Probe = {
  ...probeKinds.tcp,
  options: optionNames(Options),
  prepare: (raw, checkType) => {
    const options = readOptions(Options, raw)
    const missing = checkType === "site" && raw["Port"] === undefined
      ? ["Port is missing: a site has no URL that would say which"]
      : []
    if (Result.isFailure(options)) return Result.fail([...options.failure, ...missing])
    if (missing.length > 0) return Result.fail(missing)
    return Result.succeed((planned) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const start = monotonicMillis(clock)
        yield* dialTcp(planned, connectWithin(options.success, planned.check.timeout))
        return { up: true, error: "", data: { LatencyMs: monotonicMillis(clock) - start } }
      }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem)))
    )
  }
}
