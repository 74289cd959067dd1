import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CheckType } from "../domain/Target.ts"
import type { PlannedTarget } from "./PlannedTarget.ts"

/** What a probe found out. */
export interface ProbeResult {
  /**
   * Undefined: this node could not even try (out of sockets, say). That says nothing about the member; the error, unless it
   * is `""`, is a condition of this node.
   */
  readonly up: boolean | undefined
  /** Short, and the same for the same trouble: no measured figures, no ports of ours. `""` when up. */
  readonly error: string
  /** What was measured, or null. */
  readonly data: unknown
}

/** Looks at one target. Never fails: a failure is a result. It can be interrupted at any time and leaves nothing open. */
export type RunProbe = (planned: PlannedTarget) => Effect.Effect<ProbeResult>

/** What a probe is for. */
export interface ProbeKind {
  readonly name: string
  /** The types of checks that it can do. */
  readonly checkTypes: ReadonlyArray<CheckType>
  /** The service types that it applies to, when the option `ServiceTypes` does not say; undefined for all. */
  readonly serviceTypes?: ReadonlyArray<string> | undefined
  /** The schemes of the URLs that it can do as endpoints; undefined for all that have a port. */
  readonly schemes?: ReadonlyArray<string> | undefined
  /** The port that it dials, when the option `Port` does not say; undefined for that of the URL, 0 for none. */
  readonly port?: number | undefined
}

/** One way to look at a target. */
export interface Probe extends ProbeKind {
  /** Reads the `ExtraOptions` of a check. Fails with everything that is wrong with them. */
  readonly prepare: (
    options: Readonly<Record<string, unknown>>,
    checkType: CheckType
  ) => Result.Result<RunProbe, ReadonlyArray<string>>
  /** The `ExtraOptions` that it reads, beside those of every probe: others are probably misspelt. Undefined for any. */
  readonly options?: ReadonlyArray<string> | undefined
  /** Why it cannot run here at all, and what to do; undefined when it can. */
  readonly unusable?: () => string | undefined
  /** Why it says nothing in a run that looks once and ends, and where to look instead; undefined when it does. */
  readonly single?: string | undefined
}

const anywhere = ["site", "domain", "endpoint"] as const
const web = ["http", "https", "ws", "wss"] as const

/** The kinds of probes by name. */
export const probeKinds = {
  ping: { name: "ping", checkTypes: ["site"], serviceTypes: undefined, schemes: undefined, port: 0 },
  ssl: { name: "ssl", checkTypes: ["domain"], serviceTypes: ["RPC", "ETHRPC"], schemes: undefined },
  wss: { name: "wss", checkTypes: ["endpoint"], serviceTypes: ["RPC"], schemes: web },
  ethrpc: { name: "ethrpc", checkTypes: ["endpoint"], serviceTypes: ["ETHRPC"], schemes: web },
  http: { name: "http", checkTypes: anywhere, serviceTypes: undefined, schemes: web },
  tcp: { name: "tcp", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined },
  dns: { name: "dns", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined, port: 53 },
  heartbeat: { name: "heartbeat", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined, port: 0 }
} as const satisfies Record<string, ProbeKind>
