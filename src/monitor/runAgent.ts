import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import { isIP, isIPv6 } from "node:net"
import type { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import type { AgentServiceSettings, AgentSettings } from "../domain/documents/GeoDns.ts"
import { targetKey } from "../domain/Target.ts"
import { agentReportSubject, isAgentId } from "../domain/wire/Agent.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { makeAgentReport, type SeenService } from "./agentReport.ts"
import { lookOnce } from "./lookOnce.ts"
import { urlPort } from "./plan.ts"
import type { PlannedTarget } from "./PlannedTarget.ts"
import type { Probe } from "./Probe.ts"

/** What an agent looks at, by the name of the service. */
export type AgentPlan = ReadonlyMap<string, PlannedTarget>

const planService = (
  member: string,
  { Address, ExtraOptions, Probe: name, Timeout, Url }: AgentServiceSettings,
  interval: number,
  probes: ReadonlyMap<string, Probe>
): Result.Result<PlannedTarget, ReadonlyArray<string>> => {
  const probe = probes.get(name)
  if (probe === undefined || name === "heartbeat") {
    const there = [...probes.keys()].filter((known) => known !== "heartbeat")
    return Result.fail([`there is no probe ${name} for an agent: it has ${there.join(", ")}`])
  }
  const unusable = probe.unusable?.()
  if (unusable !== undefined) return Result.fail([unusable])
  const url = URL.canParse(Url) ? new URL(Url) : undefined
  const port = url && (probe.port ?? urlPort(url))
  const isDoable = url !== undefined && probe.schemes?.includes(url.protocol.slice(0, -1)) !== false
  const checkType = probe.checkTypes.at(-1)!
  const run = probe.prepare(ExtraOptions, checkType)
  const problems = [
    ...url === undefined
      ? [`Url: what is wanted is a URL, as wss://rpc.example/kusama`]
      : port === undefined || !isDoable
      ? [`Url: the probe ${name} cannot do such a URL`]
      : [],
    ...isIP(Address) === 0 ? [`Address: what is wanted is an IP address, as 127.0.0.1 or ::1`] : [],
    ...Result.isFailure(run) ? run.failure.map((problem) => `ExtraOptions: ${problem}`) : []
  ]
  if (url === undefined || port === undefined || Result.isFailure(run) || problems.length > 0) {
    return Result.fail(problems)
  }
  const target = { checkType, check: name, member, domain: url.hostname, endpoint: Url, ipv6: isIPv6(Address) }
  return Result.succeed({
    target,
    key: targetKey(target),
    address: Address,
    port,
    host: url.hostname,
    url: Url,
    networks: [],
    check: {
      name,
      type: checkType,
      probe: name,
      run: run.success,
      identity: name,
      interval,
      timeout: Timeout * 1_000,
      failAfter: 1,
      recoverAfter: 1,
      minimumStateTime: 0
    }
  })
}

/** Milliseconds between two reports. */
const intervalOf = ({ Interval }: AgentSettings): number => 1_000 * Math.max(1, Interval)

/** What the settings of an agent make of it; or everything that is wrong with them. */
export const planAgent = (
  settings: AgentSettings,
  probes: ReadonlyMap<string, Probe>
): Result.Result<AgentPlan, ReadonlyArray<string>> => {
  const plan = new Map<string, PlannedTarget>()
  const problems = isAgentId(settings.Member)
    ? []
    : [
      `GeoDNS.Agent.Member: ${
        JSON.stringify(settings.Member)
      } cannot be part of the name of a subject: no spaces, * or >`
    ]
  for (const [name, service] of Object.entries(settings.Services)) {
    const planned = planService(settings.Member, service, intervalOf(settings), probes)
    if (Result.isSuccess(planned)) plan.set(name, planned.success)
    else problems.push(...planned.failure.map((problem) => `GeoDNS.Agent.Services.${name}: ${problem}`))
  }
  return problems.length === 0 ? Result.succeed(plan) : Result.fail(problems)
}

/** Probes under way at once. */
const concurrency = 16

/** Runs each probe of the plan once. What cannot be tried, or is broken, is left out and logged. */
const lookAround = Effect.fnUntraced(function*(plan: AgentPlan) {
  const clock = yield* Clock.Clock
  const seen: Array<SeenService> = []
  yield* Effect.forEach(
    plan,
    ([name, planned]) =>
      lookOnce(planned).pipe(
        Effect.flatMap(({ error, latency, up }) =>
          up === undefined
            ? Effect.logWarning(`${name} could not be looked at: ${error}`)
            : Effect.sync(() => void seen.push({ name, up, error, latency, at: clock.currentTimeMillisUnsafe() }))
        ),
        Effect.catchCause((cause) => Effect.logError(`the probe of ${name} is broken`, cause))
      ),
    { concurrency, discard: true }
  )
  return seen
})

/**
 * Looks at the services of this machine and reports, again and again. `onReport` is told after each round what was seen, and
 * whether it could be said: while there is no broker the agent goes on looking.
 */
export const runAgent = Effect.fnUntraced(function*(
  settings: AgentSettings,
  plan: AgentPlan,
  onReport: (seen: ReadonlyArray<SeenService>, problem: string | undefined) => Effect.Effect<void>
): Effect.fn.Return<void, never, Bus> {
  const round = Effect.gen(function*() {
    const seen = yield* lookAround(plan)
    const report = makeAgentReport(settings.Member, seen, yield* Clock.currentTimeMillis)
    const subject = { ...Subject.AgentReports, name: agentReportSubject(settings.Member) }
    const sent = yield* Effect.result(Messages.send(subject, report))
    yield* onReport(seen, Result.isSuccess(sent) ? undefined : sent.failure.message)
  }).pipe(Effect.catchCause((cause) => Effect.logError("a round failed", cause)))
  yield* Effect.repeat(round, Schedule.fixed(intervalOf(settings)))
})
