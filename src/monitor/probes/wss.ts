import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SecureContext } from "node:tls"
import { monotonicMillis } from "../monotonic.ts"
import { AllowUntrusted, ConnectTimeout, connectWithin, optionNames, Positive, readOptions, sayBy } from "../options.ts"
import { type Probe, probeKinds, type ProbeResult } from "../Probe.ts"
import { dial, resultOf, seconds, trouble } from "./dial.ts"
import type { RpcAnswer } from "./JsonRpc.ts"
import { firstCalls, followUps, hashIn, judgeSubstrate, type SubstrateAnswers } from "./substrate.ts"
import { openWebSocketRpc } from "./webSocketRpc.ts"

const Options = Schema.Struct({
  ConnectTimeout,
  AllowUntrusted,
  /** Seconds for each answer; 15 when missing. */
  ReadTimeout: Schema.optionalKey(Positive),
  /** 5 when missing. */
  MinimumPeers: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Seconds that the best block may be old; 600 when missing, 0 for any. */
  MaxBlockAge: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Whether the state of block 1 must be there still; yes when missing. */
  RequireArchive: Schema.optionalKey(Schema.Boolean)
})

/**
 * Succeeds when a Substrate node answers JSON-RPC over WebSocket as one that is of the right network, in step, connected
 * and complete. Data as in v2, with `BlockAge` and `LatencyMs`.
 */
export const makeWss = (context: SecureContext): Probe => ({
  ...probeKinds.wss,
  options: optionNames(Options),
  prepare: (raw) =>
    Result.map(readOptions(Options, raw), (options) => (planned) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const start = monotonicMillis(clock)
        const { timeout } = planned.check
        const left = () => Math.max(1, start + sayBy(timeout) - monotonicMillis(clock))
        const readWithin = () => Math.min((options.ReadTimeout ?? 15) * 1_000, left())
        const url = new URL(planned.url)
        const tls = { context, allowUntrusted: options.AllowUntrusted ?? false }
        const socket = yield* dial(planned, url, connectWithin(options, timeout), tls)
        const within = readWithin()
        const call = yield* openWebSocketRpc(socket, url).pipe(
          Effect.timeoutOrElse({
            duration: within,
            orElse: () => Effect.fail(trouble(`no WebSocket within ${seconds(within)}`))
          })
        )
        const answers = yield* ask((method, params) => Effect.suspend(() => call(method, params, readWithin())))
        const { data, trouble: problem } = judgeSubstrate(answers, {
          networks: planned.networks,
          minimumPeers: options.MinimumPeers ?? 5,
          maxBlockAge: options.MaxBlockAge ?? 600,
          archive: options.RequireArchive ?? true
        }, clock.currentTimeMillisUnsafe())
        const LatencyMs = monotonicMillis(clock) - start
        return { up: true, error: "", ...problem, data: { ...data, LatencyMs } } satisfies ProbeResult
      }).pipe(Effect.scoped, Effect.catch((problem) => resultOf(problem))))
})

/** Everything at once, and what needs a hash as soon as that is known: one slow answer holds up no other. */
const ask = (
  call: (method: string, params: ReadonlyArray<unknown>) => Effect.Effect<RpcAnswer>
): Effect.Effect<SubstrateAnswers> => {
  const first = (name: keyof typeof firstCalls) => call(firstCalls[name].method, firstCalls[name].params)
  const withFollowUp = <K extends keyof typeof followUps>(name: K) =>
    Effect.flatMap(first(name), (answer) => {
      const { method, name: next, params } = followUps[name]
      const hash = hashIn(answer)
      return hash === undefined
        ? Effect.succeed({ [name]: answer })
        : Effect.map(call(method, params(hash)), (more) => ({ [name]: answer, [next]: more }))
    })
  const found = Effect.all([
    withFollowUp("best"),
    withFollowUp("genesis"),
    withFollowUp("first"),
    Effect.map(first("chain"), (chain) => ({ chain })),
    Effect.map(first("health"), (health) => ({ health }))
  ], { concurrency: "unbounded" })
  return Effect.map(found, (parts) => Object.assign({}, ...parts) as SubstrateAnswers)
}
