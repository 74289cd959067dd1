import type { Catalog, MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"
import { atOnce, type Slices } from "../domain/Slices.ts"
import type { Target } from "../domain/Target.ts"
import { type UnitVector, unitVector } from "../geo/distance.ts"
import type { Choice, Client, Explanation } from "./Choice.ts"
import { type DownTargets, hostOfTarget, placeOf } from "./DownTargets.ts"
import { explain } from "./explain.ts"
import type { LastGood } from "./LastGood.ts"
import { hashText } from "./rendezvous.ts"
import { healthyStanding, type Profile, type Serving, standingsOf } from "./Standing.ts"
import { SteeringTable } from "./SteeringTable.ts"

/** The tables of one name. */
export interface NameTables {
  readonly name: string
  readonly ipv4: SteeringTable
  readonly ipv6: SteeringTable
  /** Whether other members were healthy last than before. */
  readonly isNews: boolean
}

/** What the tables of all names are built from. `down` and `lastGood` change under it; a name is then built again. */
export interface ServedNamesInput {
  readonly catalog: Catalog
  readonly settings: SteeringSettings
  readonly down: DownTargets
  readonly lastGood: LastGood
  /** The overrides in force, by the names of their members; none when missing. */
  readonly overrides?: ReadonlyMap<string, Override>
}

/**
 * All names that are steered under one version of the configuration. Building and installing are apart, so that a shell
 * can build in slices and readers see either the old tables of all changed names or the new ones.
 */
export class ServedNames {
  /** In the form of `hostName`. */
  readonly names: ReadonlySet<string>
  readonly #input: ServedNamesInput
  readonly #overridden: ReadonlyMap<MemberEntry, Override>
  readonly #profilesOf: Profiles
  readonly #tables = new Map<string, NameTables>()
  /** The tables made at a moment for what is down then, by kind, then by the members that serve the name. */
  #shared: {
    readonly now: number
    readonly revision: number
    readonly tables: Map<string, Map<ReadonlyArray<Profile>, SteeringTable>>
  } = { now: Number.NaN, revision: 0, tables: new Map() }

  /** Nothing is steered before tables are built and installed. */
  constructor(input: ServedNamesInput, profilesOf: Profiles = atOnce(profilesInSlices(input))) {
    this.#input = input
    this.names = new Set(input.catalog.hosts.keys())
    this.#overridden = overriddenMembers(input.catalog, input.overrides ?? new Map())
    this.#profilesOf = profilesOf
  }

  /** The same, giving way to others again and again. */
  static *inSlices(input: ServedNamesInput): Slices<ServedNames> {
    return new ServedNames(input, yield* profilesInSlices(input))
  }

  /** How much work building a name is, in members looked at. */
  costOf(name: string): number {
    const services = this.#input.catalog.hosts.get(name) ?? []
    return services.reduce((sum, service) => sum + (this.#profilesOf.get(service)?.length ?? 0), 1)
  }

  /**
   * Builds the tables of a name from what is down now, and notes which members are healthy. `now` in milliseconds since the
   * epoch. `isContested`: the status of a member of it is being voted on.
   */
  build(name: string, now: number, isContested = false): NameTables {
    const serving = this.#serving(name)
    const ipv4 = this.#table(name, false, serving, now, isContested)
    const ipv6 = this.#table(name, true, serving, now, isContested)
    const { lastGood } = this.#input
    const isNews = [lastGood.note(name, false, ipv4.healthy), lastGood.note(name, true, ipv6.healthy)].includes(true)
    return { name, ipv4, ipv6, isNews }
  }

  /** Puts new tables in place, all at once. True when other members were healthy last than before. */
  install(built: Iterable<NameTables>): boolean {
    let isNews = false
    for (const tables of built) {
      this.#tables.set(tables.name, tables)
      isNews ||= tables.isNews
    }
    return isNews
  }

  /** The names whose tables a change of these targets may change. */
  affectedBy(targets: Iterable<Target>): ReadonlySet<string> {
    const names = new Set<string>()
    for (const target of targets) {
      const host = hostOfTarget(target)
      if (target.checkType !== "site") {
        if (this.names.has(host)) names.add(host)
        continue
      }
      for (const service of this.#input.catalog.member(target.member)?.services ?? []) {
        for (const endpoint of service.endpoints) names.add(endpoint.host)
      }
    }
    return names
  }

  /** The names with members that are held, and when the next of them goes (infinity when there is none). */
  held(): { readonly names: ReadonlyArray<string>; readonly members: number; readonly next: number } {
    const names = new Set<string>()
    let members = 0
    let next = Number.POSITIVE_INFINITY
    for (const { ipv4, ipv6, name } of this.#tables.values()) {
      for (const { held } of [ipv4, ipv6]) {
        if (held.length > 0) names.add(name)
        members += held.length
        for (const { goesAt } of held) next = Math.min(next, goesAt!)
      }
    }
    return { names: [...names], members, next }
  }

  /** How many names answer by the all-down policy, families counted apart. */
  allDown(): number {
    return [...this.#tables.values()].flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
      .filter(({ policy }) => policy !== undefined).length
  }

  choose(name: string, ipv6: boolean, client: Client): Choice | undefined {
    const tables = this.#tables.get(name)
    return tables === undefined ? undefined : (ipv6 ? tables.ipv6 : tables.ipv4).choose(client)
  }

  explain(name: string, ipv6: boolean, client: Client): Explanation | undefined {
    const tables = this.#tables.get(name)
    if (tables === undefined) return undefined
    const serving = new Set(this.#serving(name).profiles.map(({ entry }) => entry))
    return explain(
      name,
      ipv6 ? tables.ipv6 : tables.ipv4,
      client,
      this.#input.catalog.members,
      (member) => serving.has(member),
      this.#overridden
    )
  }

  /** Names that the same members serve share a table, as long as nothing is down that concerns one of them alone. */
  #table(name: string, ipv6: boolean, serving: Serving, now: number, isContested: boolean): SteeringTable {
    const { down, lastGood, settings } = this.#input
    if (this.#shared.now !== now || this.#shared.revision !== down.revision) {
      this.#shared = { now, revision: down.revision, tables: new Map() }
    }
    const kind = `${ipv6} ${isContested}`
    const shared = this.#shared.tables.get(kind) ?? new Map<ReadonlyArray<Profile>, SteeringTable>()
    this.#shared.tables.set(kind, shared)
    const isOwn = down.anyIn(placeOf(name, ipv6))
    const there = isOwn ? undefined : shared.get(serving.profiles)
    if (there !== undefined) return there
    const table = new SteeringTable({
      ipv6,
      ...standingsOf({ host: name, ipv6, serving, down, overridden: this.#overridden, settings, now }),
      lastGood: lastGood.get(name, ipv6),
      settings,
      isContested,
      now
    })
    // What answers when all are down depends on the name.
    if (!isOwn && table.policy === undefined) shared.set(serving.profiles, table)
    return table
  }

  #serving(name: string): Serving {
    const [first, ...others] = this.#input.catalog.hosts.get(name) ?? []
    if (first === undefined) return { profiles: [], servicesOf: () => [] }
    const profiles = this.#profilesOf.get(first) ?? []
    if (others.every((service) => this.#profilesOf.get(service) === profiles)) {
      const services = [first, ...others]
      return { profiles, servicesOf: () => services }
    }
    const services = new Map(profiles.map((profile) => [profile, [first]]))
    for (const service of others) {
      for (const profile of this.#profilesOf.get(service) ?? []) {
        const there = services.get(profile)
        if (there === undefined) services.set(profile, [service])
        else there.push(service)
      }
    }
    return {
      profiles: [...services.keys()].sort((a, b) => a.entry.name < b.entry.name ? -1 : 1),
      servicesOf: (profile) => services.get(profile) ?? []
    }
  }
}

/** Who serves a service, in the order of their names, so that it is the same on all nodes. Equal lists are one. */
type Profiles = ReadonlyMap<ServiceEntry, ReadonlyArray<Profile>>

/** Members times services that are looked at before others have their turn: a millisecond or two. */
const sliceLength = 10_000

const profilesInSlices = function*({ catalog, settings }: ServedNamesInput): Slices<Profiles> {
  const weights = new Map(
    Object.entries(settings.Weights).map(([keyOrName, weight]) => [catalog.member(keyOrName), weight])
  )
  const profilesOf = new Map<ServiceEntry, Array<Profile>>(catalog.services.map((service) => [service, []]))
  let work = 0
  for (const entry of catalog.members.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    const profile = profileOf(catalog, entry, weights.get(entry) ?? 1)
    for (const service of entry.services) profilesOf.get(service)?.push(profile)
    work += 1 + entry.services.length
    if (work > sliceLength) {
      work = 0
      yield
    }
  }
  const once = new Map<ServiceEntry, ReadonlyArray<Profile>>()
  const known = new Map<number, Array<ReadonlyArray<Profile>>>()
  for (const [service, profiles] of profilesOf) {
    const hash = profiles.reduce((hash, profile) => Math.imul(hash, 31) + profile.hash | 0, 0)
    const alike = known.get(hash) ?? []
    const there = alike.find((list) => list.length === profiles.length && list.every((it, i) => it === profiles[i]))
    if (there === undefined) known.set(hash, [...alike, profiles])
    once.set(service, there ?? profiles)
    work += profiles.length
    if (work > sliceLength) {
      work = 0
      yield
    }
  }
  return once
}

/** Where a member is put whose place is none: as near to everybody as a member a quarter of the globe away. */
const nowhere: UnitVector = [0, 0, 0]

const profileOf = (catalog: Catalog, entry: MemberEntry, weight: number): Profile => {
  const { Latitude: latitude, Longitude: longitude } = entry.member.Location
  const [name, key] = [entry.name.toLowerCase(), entry.key.toLowerCase()]
  const healthy: { -readonly [K in keyof Profile["healthy"]]: Profile["healthy"][K] } = {
    ipv4: undefined,
    ipv6: undefined
  }
  const profile: Profile = {
    entry,
    names: key !== name && catalog.member(key) === entry ? [name, key] : [name],
    vector: unitVector({ latitude, longitude }) ?? nowhere,
    hash: hashText(entry.name),
    weight,
    healthy
  }
  healthy.ipv4 = healthyStanding(profile, false)
  healthy.ipv6 = healthyStanding(profile, true)
  return profile
}
