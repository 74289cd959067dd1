import * as Schema from "effect/Schema"
import type { Target } from "../../domain/Target.ts"
import { NodeRole } from "../../domain/wire/Cluster.ts"
import { maxClusterName, maxVoters } from "../../domain/wire/Seal.ts"
import { isCheapKey } from "./cheapKey.ts"
import { type KeyRules, verifierOf } from "./Verifier.ts"

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256))

/** Rosters are counted from 1. */
const Epoch = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** A node of a roster. */
export const RosterMember = Schema.Struct({
  /** Its `Nats.NodeID`. */
  id: Name,
  /** Its public key. */
  key: Name,
  role: NodeRole,
  /** Whether it judges IPv6 targets. That is configuration: abstaining changes no electorate. */
  ipv6: Schema.Boolean,
  region: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64)))
})
export type RosterMember = typeof RosterMember.Type

/** Who takes part in sealed consensus in one epoch. Certificates of epochs before `minEpoch` count no more. */
export const Roster = Schema.Struct({
  cluster: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(maxClusterName)),
  epoch: Epoch,
  minEpoch: Epoch,
  members: Schema.Array(RosterMember).check(Schema.isMaxLength(maxVoters))
})
export type Roster = typeof Roster.Type

/** Votes that a decision needs, of `n` members able to judge: a majority, and never fewer than 2. */
export const quorum = (n: number): number => Math.max(2, Math.floor(n / 2) + 1)

/** The members that can judge targets of an IP version. */
const judges = ({ members }: Roster, ipv6: boolean): ReadonlyArray<RosterMember> =>
  members.filter((member) => member.role === "IBPMonitor" && (member.ipv6 || !ipv6))

/** Who votes on a target: the monitors able to judge it. Their number is the `n` of {@link quorum}. */
export const electorateOf = (roster: Roster, target: Pick<Target, "ipv6">): ReadonlyArray<RosterMember> =>
  judges(roster, target.ipv6)

/** The values that stand more than once. */
const repeated = (values: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(values.filter((value, i) => values.indexOf(value) !== i))
]

/** What is wrong with members, of a roster that is still put together too: it does not get better with more of them. */
export const memberProblems = (members: ReadonlyArray<RosterMember>, rules: KeyRules = {}): ReadonlyArray<string> => [
  ...repeated(members.map(({ id }) => id)).map((id) => `two members have the id ${id}`),
  ...repeated(members.map(({ key }) => key)).map((key) =>
    `${members.filter((member) => member.key === key).map(({ id }) => id).join(" and ")} have the same key`
  ),
  ...members.filter(({ key }) => verifierOf(key, rules) === undefined).map(({ id, key }) =>
    isCheapKey(key)
      ? `the key of ${id} is one for simulations, which anybody can forge`
      : `the key of ${id} is not a public key ("geodns keys show" prints one)`
  )
]

/** Why a roster cannot be used; empty when it can. */
export const rosterProblems = (roster: Roster, rules: KeyRules = {}): ReadonlyArray<string> => {
  const { epoch, members, minEpoch } = roster
  const monitors = judges(roster, false).length
  return [
    ...minEpoch > epoch ? [`minEpoch ${minEpoch} is after the epoch ${epoch}: nothing would count`] : [],
    ...memberProblems(members, rules),
    ...monitors < quorum(monitors)
      ? [
        `it has ${monitors === 1 ? "1 monitor" : `${monitors} monitors`}, and a decision needs the votes of at least 2`
      ]
      : []
  ]
}

/** What can be used, and is probably not meant. */
export const rosterDoubts = (roster: Roster): ReadonlyArray<string> => {
  const monitors = judges(roster, true).length
  return monitors < quorum(monitors)
    ? [`IPv6 targets are never decided: ${monitors} of its monitors can judge them, and it takes 2`]
    : []
}

/** The ids of those that are in one roster and not in the other, or not as the same. */
export const changedMembers = (before: Roster, after: Roster): ReadonlyArray<string> => {
  const text = ({ id, ipv6, key, region, role }: RosterMember) => JSON.stringify([id, key, role, ipv6, region ?? ""])
  const [old, now] = [before, after].map(({ members }) => new Map(members.map((member) => [member.id, text(member)])))
  return [...new Set([...old!.keys(), ...now!.keys()])].filter((id) => old!.get(id) !== now!.get(id))
}
