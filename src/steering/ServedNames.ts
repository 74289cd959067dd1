import type { Catalog, MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"
import { atOnce, type Slices } from "../domain/Slices.ts"
import type { Target } from "../domain/Target.ts"
import { type DownTargets, hostOfTarget, placeOf } from "./DownTargets.ts"
import type { LastHealthy } from "./LastHealthy.ts"
import { type Profiles, profilesInSlices } from "./profiles.ts"
import { type Profile, type Serving, standingsOf } from "./Standing.ts"
import { SteeringTable } from "./SteeringTable.ts"

/** The tables of one name. */
export interface NameTables {
  readonly name: string
  readonly ipv4: SteeringTable
  readonly ipv6: SteeringTable
  /** Whether other members were healthy last than before. */
  readonly isNews: boolean
}

/** What the tables of all names are built from. `down` and `lastHealthy` change under it; a name is then built again. */
export interface ServedNamesInput {
  readonly catalog: Catalog
  readonly settings: SteeringSettings
  readonly down: DownTargets
  readonly lastHealthy: LastHealthy
  /** The overrides in force, by the names of their members; none when missing. */
  readonly overrides?: ReadonlyMap<string, Override>
}

/** Members that tables are built of before others have their turn: a few milliseconds. */
const membersInSlice = 1_000

/** Targets and names looked at before others have their turn: about a millisecond. */
const looksInSlice = 5_000

/** All names that are steered under one version of the configuration, and who serves them. It builds their tables. */
export class ServedNames {
  /** In the form of `hostName`. */
  readonly names: ReadonlySet<string>
  readonly members: ReadonlyArray<MemberEntry>
  /** The members that are out by hand. */
  readonly overridden: ReadonlyMap<MemberEntry, Override>
  readonly #input: ServedNamesInput
  readonly #profilesOf: Profiles
  /** The tables made at a moment for what is down then, by kind, then by the members that serve the name. */
  #shared: {
    readonly now: number
    readonly revision: number
    readonly tables: Map<string, Map<ReadonlyArray<Profile>, SteeringTable>>
  } = { now: Number.NaN, revision: 0, tables: new Map() }

  constructor(input: ServedNamesInput, profilesOf: Profiles = atOnce(profilesInSlices(input))) {
    this.#input = input
    this.names = new Set(input.catalog.hosts.keys())
    this.members = input.catalog.members
    this.overridden = overriddenMembers(input.catalog, input.overrides ?? new Map())
    this.#profilesOf = profilesOf
  }

  /** The same, giving way to others again and again. */
  static *inSlices(input: ServedNamesInput): Slices<ServedNames> {
    return new ServedNames(input, yield* profilesInSlices(input))
  }

  /**
   * Builds the tables of names from what is down now, and notes which members are healthy. `now` in milliseconds since the
   * epoch; `contested` are the names of which a member's status is being voted on.
   */
  *build(names: Iterable<string>, now: number, contested: ReadonlySet<string>): Slices<ReadonlyArray<NameTables>> {
    const built: Array<NameTables> = []
    let work = 0
    for (const name of names) {
      work += this.#costOf(name)
      if (work > membersInSlice) {
        yield
        work = 0
      }
      built.push(this.#tablesOf(name, now, contested.has(name)))
    }
    return built
  }

  /** The names whose tables a change of these targets may change. */
  *affectedBy(targets: Iterable<Target>): Slices<ReadonlySet<string>> {
    const names = new Set<string>()
    const members = new Set<MemberEntry>()
    let work = 0
    for (const target of targets) {
      if (++work % looksInSlice === 0) yield
      if (target.checkType === "site") {
        const entry = this.#input.catalog.member(target.member)
        if (entry !== undefined) members.add(entry)
      } else {
        const host = hostOfTarget(target)
        if (this.names.has(host)) names.add(host)
      }
    }
    // However many targets of a site there are, all that its member serves is gone through once.
    for (const { services } of members) {
      for (const { endpoints } of services) {
        work += endpoints.length
        for (const { host } of endpoints) names.add(host)
      }
      if (work > looksInSlice) {
        yield
        work = 0
      }
    }
    return names
  }

  /** The services that have a URL on a name. */
  servicesOn(name: string): ReadonlyArray<ServiceEntry> {
    return this.#input.catalog.hosts.get(name) ?? []
  }

  /** Who serves a name. */
  serving(name: string): Serving {
    const [first, ...others] = this.servicesOn(name)
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

  /** How much work building a name is, in members looked at. */
  #costOf(name: string): number {
    return this.servicesOn(name).reduce((sum, service) => sum + (this.#profilesOf.get(service)?.length ?? 0), 1)
  }

  #tablesOf(name: string, now: number, isContested: boolean): NameTables {
    const serving = this.serving(name)
    const ipv4 = this.#table(name, false, serving, now, isContested)
    const ipv6 = this.#table(name, true, serving, now, isContested)
    const { lastHealthy } = this.#input
    const isNews = [
      lastHealthy.note(name, false, ipv4.healthy, ipv4.lately),
      lastHealthy.note(name, true, ipv6.healthy, ipv6.lately)
    ].includes(true)
    return { name, ipv4, ipv6, isNews }
  }

  /** Names that the same members serve share a table, as long as nothing is down that concerns one of them alone. */
  #table(name: string, ipv6: boolean, serving: Serving, now: number, isContested: boolean): SteeringTable {
    const { down, lastHealthy, settings } = this.#input
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
      ...standingsOf({ host: name, ipv6, serving, down, overridden: this.overridden, settings }),
      lastHealthy: lastHealthy.get(name, ipv6),
      survivors: lastHealthy.survivors(name, ipv6),
      settings,
      isContested,
      now
    })
    // What answers when all are down depends on the name.
    if (!isOwn && table.policy === undefined) shared.set(serving.profiles, table)
    return table
  }
}
