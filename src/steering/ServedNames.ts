import type { Catalog, MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"
import type { Target } from "../domain/Target.ts"
import { type UnitVector, unitVector } from "../geo/distance.ts"
import type { Choice, Client, Explanation } from "./Choice.ts"
import { type DownTargets, hostOfTarget } from "./DownTargets.ts"
import { explain } from "./explain.ts"
import type { LastGood } from "./LastGood.ts"
import { hashText } from "./rendezvous.ts"
import { type Profile, type Serving, standingsOf } from "./Standing.ts"
import { SteeringTable } from "./SteeringTable.ts"

/** The tables of one name. */
export interface NameTables {
  readonly name: string
  readonly ipv4: SteeringTable
  readonly ipv6: SteeringTable
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
  /** By service, in the order of their names, so that it is the same on all nodes. */
  readonly #profilesOf: ReadonlyMap<ServiceEntry, ReadonlyArray<Profile>>
  readonly #tables = new Map<string, NameTables>()

  /** Nothing is steered before tables are built and installed. */
  constructor(input: ServedNamesInput) {
    const { catalog, settings } = input
    this.#input = input
    this.names = new Set(catalog.hosts.keys())
    this.#overridden = overriddenMembers(catalog, input.overrides ?? new Map())
    const weights = new Map(
      Object.entries(settings.Weights).map(([keyOrName, weight]) => [catalog.member(keyOrName), weight])
    )
    const profilesOf = new Map<ServiceEntry, Array<Profile>>(catalog.services.map((service) => [service, []]))
    for (const entry of catalog.members.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
      const profile = profileOf(catalog, entry, weights.get(entry) ?? 1)
      for (const service of entry.services) profilesOf.get(service)?.push(profile)
    }
    this.#profilesOf = profilesOf
  }

  /** How much work building a name is, in members looked at. */
  costOf(name: string): number {
    const services = this.#input.catalog.hosts.get(name) ?? []
    return services.reduce((sum, service) => sum + (this.#profilesOf.get(service)?.length ?? 0), 1)
  }

  /** Builds the tables of a name from what is down now. `now` in milliseconds since the epoch. */
  build(name: string, now: number): NameTables {
    const serving = this.#serving(name)
    const table = (ipv6: boolean): SteeringTable => {
      const { down, lastGood, settings } = this.#input
      return new SteeringTable({
        name,
        ipv6,
        ...standingsOf({ host: name, ipv6, serving, down, overridden: this.#overridden, settings, now }),
        lastGood: lastGood.get(name, ipv6),
        settings,
        now
      })
    }
    return { name, ipv4: table(false), ipv6: table(true) }
  }

  /** Puts new tables in place, all at once. True when that changed the last good sets. */
  install(built: Iterable<NameTables>): boolean {
    let changed = false
    for (const tables of built) {
      this.#tables.set(tables.name, tables)
      for (const { healthy, input } of [tables.ipv4, tables.ipv6]) {
        changed = this.#input.lastGood.note(input.name, input.ipv6, healthy) || changed
      }
    }
    return changed
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
    for (const { ipv4, ipv6 } of this.#tables.values()) {
      for (const { held, input } of [ipv4, ipv6]) {
        if (held.length > 0) names.add(input.name)
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
    const serving = new Set(this.#serving(name).map(({ profile }) => profile.entry))
    return explain(
      ipv6 ? tables.ipv6 : tables.ipv4,
      client,
      this.#input.catalog.members,
      (member) => serving.has(member),
      this.#overridden
    )
  }

  #serving(name: string): ReadonlyArray<Serving> {
    const [first, ...others] = this.#input.catalog.hosts.get(name) ?? []
    if (first === undefined) return []
    const services = new Map((this.#profilesOf.get(first) ?? []).map((profile) => [profile, [first]]))
    for (const service of others) {
      for (const profile of this.#profilesOf.get(service) ?? []) {
        const there = services.get(profile)
        if (there === undefined) services.set(profile, [service])
        else there.push(service)
      }
    }
    const serving = Array.from(services, ([profile, services]) => ({ profile, services }))
    return others.length === 0 ? serving : serving.sort((a, b) => a.profile.entry.name < b.profile.entry.name ? -1 : 1)
  }
}

/** Where a member is put whose place is none: as near to everybody as a member a quarter of the globe away. */
const nowhere: UnitVector = [0, 0, 0]

const profileOf = (catalog: Catalog, entry: MemberEntry, weight: number): Profile => {
  const { Latitude: latitude, Longitude: longitude } = entry.member.Location
  const [name, key] = [entry.name.toLowerCase(), entry.key.toLowerCase()]
  return {
    entry,
    names: key !== name && catalog.member(key) === entry ? [name, key] : [name],
    vector: unitVector({ latitude, longitude }) ?? nowhere,
    hash: hashText(entry.name),
    weight
  }
}
