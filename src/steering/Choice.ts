import type { Override } from "../domain/Override.ts"
import type { Location } from "../geo/GeoIp.ts"

/** Who asks, as far as steering is concerned. */
export interface Client {
  /** Undefined when it is not known where the client is. */
  readonly location: Location | undefined
  /** The client's scope prefix, e.g. `203.0.113.0/24`: one scope, one answer. */
  readonly scope: string
}

/** The members to answer with. */
export interface Choice {
  /** Addresses of the asked family, best first; empty only when policy says so or nobody has such an address. */
  readonly addresses: ReadonlyArray<string>
  /** `Details.Name` of each address; `(none)` for a fallback address. */
  readonly members: ReadonlyArray<string>
  /** Seconds. */
  readonly ttl: number
}

/** Why a member is no candidate, or not now. */
export type Exclusion =
  | { readonly _tag: "Inactive" }
  | {
    readonly _tag: "Overridden"
    /** Who took it out and why; undefined when the members document does. */
    readonly override: Pick<Override, "kind" | "reason" | "author" | "until"> | undefined
  }
  /** It serves no service on the name. */
  | { readonly _tag: "NotAssigned" }
  /** It is assigned to a service on the name, and its level is too low for it. */
  | { readonly _tag: "BelowLevel"; readonly level: number; readonly required: number }
  | { readonly _tag: "NoAddress" }
  | {
    readonly _tag: "Down"
    /** The decision that took it out. */
    readonly decision: string
    readonly target: string
    readonly error: string
    /** Milliseconds since the epoch. */
    readonly since: number
  }

/** One member as steering saw it for one question. */
export interface Candidate {
  readonly member: string
  readonly address: string
  /** Kilometres from the client; undefined when the client's place is unknown. */
  readonly distance: number | undefined
  readonly chosen: boolean
  /** Whether it is among those that the answer was chosen from: they answer some client, down or not. */
  readonly answers: boolean
  /** Why it does not answer, or would not but for being held or for the all-down policy. Empty for those that can. */
  readonly exclusions: ReadonlyArray<Exclusion>
  /**
   * Down, and kept in all the same until this time (milliseconds since the epoch), because too many members of the name
   * would go within a minute; undefined when it is not held.
   */
  readonly heldUntil: number | undefined
}

/** Why an answer is what it is. */
export interface Explanation {
  readonly name: string
  readonly ipv6: boolean
  readonly client: Client
  readonly choice: Choice
  /** How the order came about: nearest, spread over near-ties, spread over all (unknown place), or the all-down policy. */
  readonly rule: "nearest" | "near-tie" | "unknown-place" | "last-good" | "all" | "fallback" | "empty"
  /** The rule in a sentence. */
  readonly because: string
  /** Best first, then those that are left out. */
  readonly candidates: ReadonlyArray<Candidate>
}
