import * as Result from "effect/Result"
import { targetKey } from "../../src/domain/Target.ts"
import type { ExpectedNetwork, PlannedTarget } from "../../src/monitor/PlannedTarget.ts"
import type { RunProbe } from "../../src/monitor/Probe.ts"
import type { Probes } from "../../src/monitor/Probes.ts"

/** A planned target; what does not matter to a test is made up. Times in milliseconds. */
export const plannedTarget = (options: {
  readonly run: RunProbe
  readonly member?: string
  readonly url?: string
  readonly address?: string
  readonly port?: number
  readonly host?: string
  readonly interval?: number
  readonly timeout?: number
  readonly identity?: string
  readonly networks?: ReadonlyArray<ExpectedNetwork>
}): PlannedTarget => {
  const url = options.url ?? "http://rpc.demo.example/"
  const target = {
    checkType: "endpoint",
    check: "http",
    member: options.member ?? "Harbour",
    domain: "rpc.demo.example",
    endpoint: url,
    ipv6: false
  } as const
  return {
    target,
    key: targetKey(target),
    address: options.address ?? "127.0.1.7",
    port: options.port ?? 80,
    host: options.host ?? "rpc.demo.example",
    url,
    networks: options.networks ?? [],
    check: {
      name: "http",
      type: "endpoint",
      probe: "http",
      run: options.run,
      identity: options.identity ?? "probe",
      interval: options.interval ?? 10_000,
      timeout: options.timeout ?? 4_000,
      failAfter: 2,
      recoverAfter: 2,
      minimumStateTime: 0
    }
  }
}

/** A probe with its options, which must be good ones. */
export const prepared = (
  probes: Probes["Service"],
  name: string,
  options: Readonly<Record<string, unknown>> = {}
): RunProbe => Result.getOrThrow(probes.get(name)!.prepare(options, "endpoint"))
