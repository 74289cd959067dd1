import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import type { Outage } from "../../../src/domain/Outage.ts"
import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import type { DiskAfter } from "../plan/Plan.ts"
import type { Message } from "./Message.ts"

/** 8 o'clock on a day: times that are mixed up show. */
export const epoch = Date.parse("2026-04-21T08:00:00Z")

export type Role = "IBPMonitor" | "IBPDns" | "IBPCollator"

/** A node as its cluster deals with it: around a pure core, or of the real services. */
export interface AnyNode {
  readonly id: string
  readonly role: Role
  readonly isMonitor: boolean
  readonly alive: boolean
  /** How far its clock is ahead, in milliseconds. */
  ahead: number
  /** Target → what it sees, whatever is true. */
  readonly misjudges: Map<number, boolean>
  /** Nothing is going on here. */
  readonly isQuiet: boolean
  /** Whether it knows more than it follows: late certificates wait. */
  readonly isHolding: boolean
  readonly official: (target: Target) => boolean | undefined
  /** The monitors that may vote, as this node knows it. */
  readonly electorate: () => ReadonlySet<string>
  readonly start: () => void
  readonly stop: (disk: DiskAfter) => void
  readonly learn: (rosters: Rosters) => void
  /** Its connection to the bus breaks, or is there again. */
  readonly connected: (connected: boolean) => void
  /** The bus is connected again. */
  readonly reconnected: () => void
  readonly receive: (from: string, message: Message) => void
  /** Of a node that collects: it outlives the node. */
  readonly store: { readonly outages: { readonly get: (target: TargetKey) => Outage | undefined } }
}
