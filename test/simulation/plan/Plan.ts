import type { Target } from "../../../src/domain/Target.ts"
import type { Mode } from "./Mode.ts"

/** What a node has on its disk when it starts again. */
export type DiskAfter =
  /** All that it wrote. */
  | "kept"
  /** Without what it wrote last: it was not synced. */
  | "tail-lost"
  | "lost"

/** A message that somebody makes up. */
export const forgeries = [
  /** A decision without any proof. */
  "bare-decision",
  /** A decision with a certificate whose signatures are garbage. */
  "bad-signatures",
  /** A certificate of true votes, fewer than it takes. */
  "too-few",
  /** A certificate with the same voters again and again. */
  "repeated-votes",
  /** A certificate that nodes with keys of their own sign, who are no members. */
  "stranger-certificate",
  /** Votes and proposals with stolen keys. */
  "stolen-votes",
  "stolen-proposal",
  /** A certificate of stolen and true votes, to some of the nodes. */
  "stolen-certificate",
  /** What was sent before, again. */
  "replay",
  "replay-many",
  /** An old certificate again, though it was superseded. */
  "old-certificate",
  /** What was sent before, with something changed. */
  "mutate",
  /** A true certificate in a message that says otherwise. */
  "not-passed",
  "other-status",
  /** A true vote in a certificate of another epoch, cluster or target. */
  "transplant",
  /** Votes of another time: an hour ago, or in an hour. */
  "odd-times"
] as const
export type Forgery = (typeof forgeries)[number]

/** Something that goes wrong, or changes. Times are milliseconds from the start. */
export type Incident =
  | { readonly kind: "loss"; readonly at: number; readonly until: number; readonly share: number }
  /** Messages take up to `most` longer, in their order. */
  | { readonly kind: "delay"; readonly at: number; readonly until: number; readonly most: number }
  /** The same, and they overtake each other. */
  | { readonly kind: "reorder"; readonly at: number; readonly until: number; readonly most: number }
  | {
    readonly kind: "duplicate"
    readonly at: number
    readonly until: number
    readonly share: number
    /** A copy comes up to this much later. */
    readonly most: number
  }
  /** These nodes and the others do not hear each other. */
  | { readonly kind: "partition"; readonly at: number; readonly until: number; readonly side: ReadonlyArray<string> }
  /** A node does not hear some others, which hear it. */
  | {
    readonly kind: "deaf"
    readonly at: number
    readonly until: number
    readonly node: string
    readonly to: ReadonlyArray<string>
  }
  | {
    readonly kind: "crash"
    readonly at: number
    readonly until: number
    readonly node: string
    readonly disk: DiskAfter
  }
  /** The clock of a node jumps by `by`, and back. */
  | { readonly kind: "clock"; readonly at: number; readonly until: number; readonly node: string; readonly by: number }
  /** A target goes down or comes back. `slow`: it does not answer, instead of refusing. */
  | {
    readonly kind: "turn"
    readonly at: number
    readonly target: number
    readonly up: boolean
    readonly slow: boolean
  }
  /** A monitor sees a target otherwise than it is. */
  | {
    readonly kind: "misjudge"
    readonly at: number
    readonly until: number
    readonly node: string
    readonly target: number
    readonly sees: boolean
  }
  /** The roster of the next epoch. */
  | {
    readonly kind: "roster"
    readonly at: number
    /** `rekey` retires the epochs before. */
    readonly change: "add" | "remove" | "rekey"
    readonly member: string
  }
  /** Somebody on the bus makes something up. */
  | { readonly kind: "forge"; readonly at: number; readonly what: Forgery; readonly salt: number }
  /** Nodes that are no members propose and vote. */
  | { readonly kind: "strangers"; readonly at: number; readonly salt: number }
  /** Somebody makes up a great many proposals and votes. */
  | { readonly kind: "flood"; readonly at: number; readonly count: number; readonly salt: number }
  /** Nobody gets any vote or decision; who took them shows what they prove at `release`. */
  | { readonly kind: "withhold"; readonly at: number; readonly until: number; readonly release: number }

export type IncidentKind = Incident["kind"]

/** What a run plays: everything but chance on the way follows from it. Times are milliseconds. */
export interface Plan {
  readonly seed: number
  readonly mode: Mode
  readonly monitors: ReadonlyArray<string>
  /** `d…` answer DNS, `c…` collect. */
  readonly followers: ReadonlyArray<string>
  /** A monitor that no roster has yet. */
  readonly spare: string | undefined
  /** Monitors of the roster that judge no IPv6 targets. */
  readonly ipv4Only: ReadonlyArray<string>
  readonly targets: ReadonlyArray<Target>
  /** Whether all targets are up at the start. */
  readonly interval: number
  readonly deadline: number
  readonly failAfter: number
  readonly recoverAfter: number
  readonly minimumStateTime: number
  /** Members whose keys somebody else has too; fewer than decide. */
  readonly stolen: ReadonlyArray<string>
  /** Memory is small, for floods. */
  readonly small: boolean
  /** When all faults are over. */
  readonly healAt: number
  /** The bus is connected anew then, which nodes notice. */
  readonly reconnects: boolean
  /** Nothing but P1 to P7 is expected: else also that nothing goes down, as members are fine. */
  readonly fine: boolean
  readonly incidents: ReadonlyArray<Incident>
}

/** When an incident is over. */
export const endOf = (incident: Incident): number => "until" in incident ? incident.until : incident.at
