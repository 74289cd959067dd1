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
  /** The port that it dials, when the option `Port` does not say; undefined for that of the URL. */
  readonly port?: number | undefined
}

/** One way to look at a target. */
export interface Probe extends ProbeKind {
  /** Reads the `ExtraOptions` of a check. Fails with everything that is wrong with them. */
  readonly prepare: (
    options: Readonly<Record<string, unknown>>,
    checkType: CheckType
  ) => Result.Result<RunProbe, ReadonlyArray<string>>
  /** Why this machine cannot run it at all, and what to do; undefined when it can. */
  readonly unusable?: () => string | undefined
}

const anywhere = ["site", "domain", "endpoint"] as const
const web = ["http", "https", "ws", "wss"] as const

/** The kinds of probes by name. */
export const probeKinds = {
  ping: { name: "ping", checkTypes: ["site"], serviceTypes: undefined, schemes: undefined },
  ssl: { name: "ssl", checkTypes: ["domain"], serviceTypes: ["RPC", "ETHRPC"], schemes: undefined },
  wss: { name: "wss", checkTypes: ["endpoint"], serviceTypes: ["RPC"], schemes: web },
  ethrpc: { name: "ethrpc", checkTypes: ["endpoint"], serviceTypes: ["ETHRPC"], schemes: web },
  http: { name: "http", checkTypes: anywhere, serviceTypes: undefined, schemes: web },
  tcp: { name: "tcp", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined },
  dns: { name: "dns", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined, port: 53 },
  // It dials nothing, but every target has a port
  heartbeat: { name: "heartbeat", checkTypes: anywhere, serviceTypes: undefined, schemes: undefined, port: 443 }
} as const satisfies Record<string, ProbeKind>
