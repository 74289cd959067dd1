import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SecureContext } from "node:tls"
import { monotonicMillis } from "../monotonic.ts"
import { AllowUntrusted, ConnectTimeout, connectWithin, optionNames, Positive, readOptions, sayBy } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"
import { dial, resultOf } from "./dial.ts"
import { ethereumCalls, heightOf, judgeEthereum } from "./ethereum.ts"
import { Heights } from "./Heights.ts"
import { openHttpRpc } from "./httpRpc.ts"
import type { RpcAnswer } from "./JsonRpc.ts"

const Options = Schema.Struct({
  ConnectTimeout,
  AllowUntrusted,
  /** Seconds for each answer; as `ConnectTimeout` when missing, which stands for both in v2. */
  ReadTimeout: Schema.optionalKey(Positive),
  /** Seconds in which the block number has to rise; 600 when missing, 0 for any. */
  MaxBlockAge: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)))
})

/**
 * Succeeds when an Ethereum node answers JSON-RPC over HTTP as one that is of the right network and in step, with a block
 * number that rises from probe to probe. Data as in v2, with `LatencyMs`.
 */
export const makeEthrpc = (context: SecureContext): Probe => {
  // Kept here, not with the options: a reload must not let a node that stands still begin anew
  const heights = new Heights()
  return {
    ...probeKinds.ethrpc,
    options: optionNames(Options),
    prepare: (raw) =>
      Result.map(readOptions(Options, raw), (options) => (planned) =>
        Effect.gen(function*() {
          const clock = yield* Clock.Clock
          const start = monotonicMillis(clock)
          const { key, networks, check: { timeout } } = planned
          const left = () => Math.max(1, start + sayBy(timeout) - monotonicMillis(clock))
          const readWithin = (options.ReadTimeout ?? options.ConnectTimeout ?? 10) * 1_000
          const url = new URL(planned.url)
          const tls = { context, allowUntrusted: options.AllowUntrusted ?? false }
          const call = yield* openHttpRpc(dial(planned, url, connectWithin(options, timeout), tls), url)
          const answers: { [K in (typeof ethereumCalls)[number]]?: RpcAnswer } = {}
          for (const method of ethereumCalls) {
            const answer = yield* call(method, [], Math.min(readWithin, left()))
            answers[method] = answer
            if (answer._tag === "Lost" || answer._tag === "Silent") break
          }
          const maxBlockAge = options.MaxBlockAge ?? 600
          const height = heightOf(answers)
          const now = monotonicMillis(clock)
          const stillFor = height === undefined ? 0 : heights.stillFor(key, height, now)
          const hasRisen = maxBlockAge === 0 || stillFor <= maxBlockAge * 1_000
          const { data, trouble } = judgeEthereum(answers, networks, maxBlockAge, hasRisen)
          return { up: true, error: "", ...trouble, data: { ...data, LatencyMs: now - start } } satisfies ProbeResult
        }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem))))
  }
}
