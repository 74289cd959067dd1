import type { CheckType, Target, TargetKey } from "../domain/Target.ts"
import type { RunProbe } from "./Probe.ts"

/** A check as it runs: what the check document and `GeoDNS.Checks` say together. All times in milliseconds. */
export interface PlannedCheck {
  readonly name: string
  readonly type: CheckType
  readonly probe: string
  /** The probe with the options of the check. */
  readonly run: RunProbe
  /** The same as long as the same probe runs with the same options. */
  readonly identity: string
  readonly interval: number
  readonly timeout: number
  readonly failAfter: number
  readonly recoverAfter: number
  readonly minimumStateTime: number
  /** As `Probe.single`. */
  readonly single?: string
}

/** The network that a service says it is, as far as it says. */
export interface ExpectedNetwork {
  /** `""` for any. */
  readonly name: string
  /** Of the genesis block, `""` for any. */
  readonly stateRoot: string
}

/** A target with everything it takes to look at it. */
export interface PlannedTarget {
  readonly target: Target
  readonly key: TargetKey
  readonly check: PlannedCheck
  /** The member's address: where the connection goes, whatever the DNS says. */
  readonly address: string
  /** 0 when the probe dials none. */
  readonly port: number
  /** The public name, for SNI and certificate; `""` for a site. */
  readonly host: string
  /** What is asked for, with the public name. */
  readonly url: string
  /** For an endpoint: the networks of the services that have the URL; usually one. */
  readonly networks: ReadonlyArray<ExpectedNetwork>
}

const isSameNetwork = (a: ExpectedNetwork, b: ExpectedNetwork | undefined): boolean =>
  b !== undefined && a.name === b.name && a.stateRoot === b.stateRoot

/** Whether two plans for one target look at the same thing in the same way: what was seen then still counts. */
export const isSameSubject = (a: PlannedTarget, b: PlannedTarget): boolean =>
  a.address === b.address && a.port === b.port && a.url === b.url && a.check.identity === b.check.identity &&
  a.networks.length === b.networks.length && a.networks.every((network, i) => isSameNetwork(network, b.networks[i]))
