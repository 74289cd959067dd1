import * as Result from "effect/Result"
import { changedMembers, electorateOf, type Roster, rosterProblems } from "./Roster.ts"
import { rosterBytes } from "./sealedBytes.ts"
import { type KeyRules, type Verifier, verifierOf } from "./Verifier.ts"

/** Why a roster does not follow those that are known. */
export type RosterRefusal =
  | { readonly _tag: "Unusable"; readonly problems: ReadonlyArray<string> }
  | { readonly _tag: "OtherCluster"; readonly cluster: string; readonly ours: string }
  | { readonly _tag: "EpochFell"; readonly epoch: number; readonly current: number }
  /** Two different rosters say that they are of one epoch. */
  | { readonly _tag: "EpochTaken"; readonly epoch: number }
  | { readonly _tag: "MinEpochFell"; readonly minEpoch: number; readonly current: number }
  | { readonly _tag: "TooManyChanges"; readonly changed: ReadonlyArray<string>; readonly epochs: number }

/** The same in words. */
export const describeRosterRefusal = (refusal: RosterRefusal): string => {
  switch (refusal._tag) {
    case "Unusable":
      return refusal.problems.join("; ")
    case "OtherCluster":
      return `it is of the cluster ${refusal.cluster}, ours is ${refusal.ours}`
    case "EpochFell":
      return `its epoch is ${refusal.epoch}, and ${refusal.current} is in use: an epoch never falls`
    case "EpochTaken":
      return `another roster of epoch ${refusal.epoch} is known: a change needs a new epoch`
    case "MinEpochFell":
      return `its minEpoch is ${refusal.minEpoch}, and ${refusal.current} is in use: what is retired stays so`
    case "TooManyChanges":
      return `${refusal.changed.join(", ")} changed within ${
        refusal.epochs === 1 ? "one epoch" : `${refusal.epochs} epochs`
      }: change one member per epoch`
  }
}

/** Epochs that are known at most; beyond that the oldest is forgotten, and its certificates with it. */
export const maxEpochs = 256

/** A roster with what it takes to check the votes of its epoch. */
interface KnownRoster {
  readonly roster: Roster
  readonly verifiers: ReadonlyMap<string, Verifier>
  readonly electorate: { readonly ipv4: ReadonlyMap<string, Verifier>; readonly ipv6: ReadonlyMap<string, Verifier> }
}

const known = (roster: Roster, rules: KeyRules): KnownRoster => {
  const verifiers = new Map(roster.members.flatMap(({ id, key }) => {
    const verifier = verifierOf(key, rules)
    return verifier === undefined ? [] : [[id, verifier] as const]
  }))
  const electorate = (ipv6: boolean) =>
    new Map(electorateOf(roster, { ipv6 }).map(({ id }) => [id, verifiers.get(id)!] as const))
  return { roster, verifiers, electorate: { ipv4: electorate(false), ipv6: electorate(true) } }
}

/** The rosters of a cluster, by their epochs: the current one, and the older ones by which older votes are checked. A value. */
export class Rosters {
  readonly #epochs: ReadonlyMap<number, KnownRoster>
  readonly #rules: KeyRules
  /** That of the highest epoch. */
  readonly current: Roster

  private constructor(epochs: ReadonlyMap<number, KnownRoster>, current: Roster, rules: KeyRules) {
    this.#epochs = epochs
    this.#rules = rules
    this.current = current
  }

  /** The rosters that a node begins with, in any order: from its file, and those that it kept. At least one. */
  static from(
    rosters: readonly [Roster, ...ReadonlyArray<Roster>],
    rules: KeyRules = {}
  ): Result.Result<Rosters, RosterRefusal> {
    const [first, ...rest] = rosters.toSorted((a, b) => a.epoch - b.epoch)
    const problems = rosterProblems(first!, rules)
    if (problems.length > 0) return Result.fail({ _tag: "Unusable", problems })
    return rest.reduce<Result.Result<Rosters, RosterRefusal>>(
      (all, roster) => Result.flatMap(all, (before) => before.add(roster)),
      Result.succeed(new Rosters(new Map([[first!.epoch, known(first!, rules)]]), first!, rules))
    )
  }

  get cluster(): string {
    return this.current.cluster
  }

  /** Certificates of earlier epochs count no more. */
  get minEpoch(): number {
    return this.current.minEpoch
  }

  /** The roster of an epoch, also of one that is retired. */
  get(epoch: number): Roster | undefined {
    return this.#epochs.get(epoch)?.roster
  }

  /** All that are known, the oldest first: what a node keeps. */
  all(): ReadonlyArray<Roster> {
    return Array.from(this.#epochs.values(), ({ roster }) => roster)
  }

  /** Who votes on targets of an IP version in an epoch, by id; undefined when the epoch is not known. */
  electorate(epoch: number, ipv6: boolean): ReadonlyMap<string, Verifier> | undefined {
    const there = this.#epochs.get(epoch)
    return ipv6 ? there?.electorate.ipv6 : there?.electorate.ipv4
  }

  /** What checks the signatures of a member of any role; undefined for who is none. */
  verifier(epoch: number, id: string): Verifier | undefined {
    return this.#epochs.get(epoch)?.verifiers.get(id)
  }

  /**
   * With the next roster. Its epoch is higher, its `minEpoch` not lower, and no more members changed than epochs went by,
   * so that of two neighbours the majorities always share a member. The one that is in use already changes nothing.
   */
  add(next: Roster): Result.Result<Rosters, RosterRefusal> {
    const { current } = this
    if (next.cluster !== current.cluster) {
      return Result.fail({ _tag: "OtherCluster", cluster: next.cluster, ours: current.cluster })
    }
    if (next.epoch === current.epoch) {
      return rosterBytes(next) === rosterBytes(current)
        ? Result.succeed(this)
        : Result.fail({ _tag: "EpochTaken", epoch: next.epoch })
    }
    if (next.epoch < current.epoch) {
      return Result.fail({ _tag: "EpochFell", epoch: next.epoch, current: current.epoch })
    }
    if (next.minEpoch < current.minEpoch) {
      return Result.fail({ _tag: "MinEpochFell", minEpoch: next.minEpoch, current: current.minEpoch })
    }
    const problems = rosterProblems(next, this.#rules)
    if (problems.length > 0) return Result.fail({ _tag: "Unusable", problems })
    const changed = changedMembers(current, next)
    const epochs = next.epoch - current.epoch
    if (changed.length > epochs) return Result.fail({ _tag: "TooManyChanges", changed, epochs })
    const all = [...this.#epochs, [next.epoch, known(next, this.#rules)] as const]
    return Result.succeed(new Rosters(new Map(all.slice(-maxEpochs)), next, this.#rules))
  }
}
