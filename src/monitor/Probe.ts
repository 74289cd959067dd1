import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { CheckType } from "../domain/Target.ts"
import type { PlannedTarget } from "./PlannedTarget.ts"

/** What a probe found out. */
export interface ProbeResult {
  /** Undefined: this node could not even try (out of sockets, say). That says nothing about the member. */
  readonly up: boolean | undefined
  /** Short, and the same for the same trouble: no times, no ports of ours. `""` when up. */
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
  readonly serviceTypes: ReadonlyArray<string> | undefined
  /** The schemes of the URLs that it can do as endpoints; undefined for all that have a port. */
  readonly schemes: ReadonlyArray<string> | undefined
}

/** One way to look at a target. */
export interface Probe extends ProbeKind {
  /** Reads the `ExtraOptions` of a check. Fails with everything that is wrong with them. */
  readonly prepare: (
    options: Readonly<Record<string, unknown>>,
    checkType: CheckType
  ) => Result.Result<RunProbe, ReadonlyArray<string>>
}

const web = ["http", "https", "ws", "wss"] as const

/** The kinds of probes by name: those that exist, and those that documents may name before they do. */
export const probeKinds = {
  ping: { name: "ping", checkTypes: ["site"], serviceTypes: undefined, schemes: undefined },
  ssl: { name: "ssl", checkTypes: ["domain"], serviceTypes: ["RPC", "ETHRPC"], schemes: undefined },
  wss: { name: "wss", checkTypes: ["endpoint"], serviceTypes: ["RPC"], schemes: web },
  ethrpc: { name: "ethrpc", checkTypes: ["endpoint"], serviceTypes: ["ETHRPC"], schemes: web },
  http: { name: "http", checkTypes: ["site", "domain", "endpoint"], serviceTypes: undefined, schemes: web },
  tcp: { name: "tcp", checkTypes: ["site", "domain", "endpoint"], serviceTypes: undefined, schemes: undefined }
} as const satisfies Record<string, ProbeKind>
