import { type MemberEntry, serves, type ServiceEntry } from "../domain/Catalog.ts"
import type { Override } from "../domain/Override.ts"
import { describeTarget } from "../domain/Target.ts"
import { distance, isLocation } from "../geo/distance.ts"
import type { Candidate, Client, Exclusion, Explanation } from "./Choice.ts"
import { capWindow, removalCap } from "./removalCap.ts"
import { addressOf, type Standing } from "./Standing.ts"
import type { Ranking, SteeringTable } from "./SteeringTable.ts"

/**
 * Why the table of a name answers a client as it does. `members` are all that are configured, `services` those on the name,
 * `overridden` says which members are out by hand.
 */
export const explain = (
  name: string,
  table: SteeringTable,
  client: Client,
  members: ReadonlyArray<MemberEntry>,
  services: ReadonlyArray<ServiceEntry>,
  overridden: ReadonlyMap<MemberEntry, Override>
): Explanation => {
  const { ipv6, now, standings } = table.input
  const ranking = table.rank(client)
  const choice = table.choose(client)
  const answering = new Set(ranking.order.map(({ profile }) => profile.entry))
  const candidate = (entry: MemberEntry, exclusions: ReadonlyArray<Exclusion>, heldUntil?: number): Candidate => ({
    member: entry.name,
    address: addressOf(entry, ipv6),
    distance: distanceTo(client, entry),
    chosen: choice.members.includes(entry.name),
    answers: answering.has(entry),
    exclusions,
    heldUntil
  })
  const fromStanding = ({ downs, goesAt, profile }: Standing): Candidate => {
    const override = overridden.get(profile.entry)
    return candidate(
      profile.entry,
      [
        ...(override === undefined ? [] : [overriddenBy(override)]),
        ...downs.map((down): Exclusion => ({
          _tag: "Down",
          decision: down.id,
          target: describeTarget(down.target),
          error: down.error,
          since: down.decidedAt
        }))
      ],
      override === undefined && goesAt !== undefined && goesAt > now ? goesAt : undefined
    )
  }
  const eligible = new Set([...ranking.order, ...standings].map(({ profile }) => profile.entry))
  return {
    name,
    ipv6,
    client,
    choice,
    ...reason(table, client, ranking),
    candidates: [
      ...ranking.order.map(fromStanding),
      ...standings.filter(({ profile }) => !answering.has(profile.entry)).map(fromStanding),
      ...members.filter((entry) => !eligible.has(entry)).map((entry) =>
        candidate(entry, exclusionsOf(entry, ipv6, services, overridden.get(entry)))
      )
    ]
  }
}

const exclusionsOf = (
  entry: MemberEntry,
  ipv6: boolean,
  services: ReadonlyArray<ServiceEntry>,
  override: Override | undefined
): ReadonlyArray<Exclusion> => [
  ...(entry.member.Service.Active ? [] : [{ _tag: "Inactive" } as const]),
  ...(entry.member.Override || override !== undefined ? [overriddenBy(override)] : []),
  ...(serves(entry, services) ? [] : [notServing(entry, services)]),
  ...(addressOf(entry, ipv6) === "" ? [{ _tag: "NoAddress" } as const] : [])
]

/** Why a member serves none of the services. */
const notServing = ({ member }: MemberEntry, services: ReadonlyArray<ServiceEntry>): Exclusion => {
  const assigned = new Set(Object.values(member.ServiceAssignments).flat())
  const required = services.filter(({ key }) => assigned.has(key)).map(({ service }) =>
    service.Configuration.LevelRequired
  )
  return required.length === 0
    ? { _tag: "NotAssigned" }
    : { _tag: "BelowLevel", level: member.Membership.MemberLevel, required: Math.min(...required) }
}

const overriddenBy = (override: Override | undefined): Exclusion => {
  if (override === undefined) return { _tag: "Overridden", override }
  const { author, kind, reason, until } = override
  return { _tag: "Overridden", override: { kind, reason, author, until } }
}

const distanceTo = (client: Client, { member }: MemberEntry): number | undefined =>
  client.location === undefined || !isLocation(client.location)
    ? undefined
    : distance(client.location, { latitude: member.Location.Latitude, longitude: member.Location.Longitude })

const kilometres = (far: number | undefined): string => `${Math.round(far ?? 0)} km`

const reason = (
  table: SteeringTable,
  client: Client,
  ranking: Ranking
): Pick<Explanation, "rule" | "because"> => {
  const { ipv6, overridden, settings, standings } = table.input
  const all = standings.length
  const family = ipv6 ? "IPv6" : "IPv4"
  if (all + overridden.length === 0) {
    return { rule: "empty", because: `no member that is in service and serves the name has an ${family} address` }
  }
  const down = all === 0
    ? overridden.length === 1
      ? "the one member that could answer is out by hand"
      : `all ${overridden.length} members that could answer are out by hand`
    : all === 1
    ? "the one candidate is down"
    : `all ${all} candidates are down`
  const isOverridden = ranking.order[0] !== undefined && overridden.includes(ranking.order[0])
  switch (table.policy) {
    case "last-good":
      return {
        rule: "last-good",
        because: `${down}: those that were healthy last answer${isOverridden ? ", although they are out by hand" : ""}`
      }
    case "all":
      return {
        rule: "all",
        because: isOverridden
          ? `${down}: those that are ${
            ranking.order[0]!.goesAt === undefined ? "healthy" : "left"
          } answer, although they are out by hand`
          : settings.AllDown === "all"
          ? `${down}: all of them answer`
          : `${down} and none is known that was healthy last: all of them answer`
      }
    case "fallback":
      return { rule: "fallback", because: `${down}: the fallback address answers` }
    case "empty":
      return { rule: "empty", because: `${down}: the answer is empty, as configured` }
    case undefined: {
      const held = table.held.length === 0
        ? ""
        : `; ${table.held.length} held although down, as no more than ${
          removalCap(all, settings.MaxRemovedShare)
        } of ${all} may go within ${capWindow / 1000} s`
      return withHeld(held, nearest(client, ranking, settings))
    }
  }
}

const withHeld = (
  held: string,
  { because, rule }: Pick<Explanation, "rule" | "because">
): Pick<Explanation, "rule" | "because"> => ({ rule, because: because + held })

const nearest = (
  client: Client,
  { order, ties }: Ranking,
  { NearTieKm, NearTiePercent }: SteeringTable["input"]["settings"]
): Pick<Explanation, "rule" | "because"> => {
  const first = order[0]!.profile.entry
  const far = distanceTo(client, first)
  if (far === undefined) {
    return {
      rule: "unknown-place",
      because: `it is not known where the client is: the hash of ${client.scope} chose ${first.name} of ${order.length}`
    }
  }
  return ties === 1
    ? { rule: "nearest", because: `${first.name} is the nearest of ${order.length}, ${kilometres(far)} away` }
    : {
      rule: "near-tie",
      because:
        `${ties} of ${order.length} are within ${NearTieKm} km or ${NearTiePercent} % of the nearest: the hash of ${client.scope} chose ${first.name}, ${
          kilometres(far)
        } away`
    }
}
