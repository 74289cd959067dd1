import type { Slices } from "../domain/Slices.ts"
import type { Choice, Client, Explanation } from "./Choice.ts"
import { explain } from "./explain.ts"
import { type Notices, NoticesBuilder } from "./notices.ts"
import type { NameTables, ServedNames } from "./ServedNames.ts"

/** What is out of the ordinary in tables. */
export interface Inventory {
  /** The names with members that are held. */
  readonly held: ReadonlyArray<string>
  /** How many members are held, names and families counted apart. */
  readonly heldMembers: number
  /** When the next of them goes, milliseconds since the epoch; infinity when there is none. */
  readonly nextRelease: number
  /** How many names answer by the all-down policy, families counted apart. */
  readonly allDown: number
  /** Both for people. */
  readonly notices: Notices
}

/** Names and held members looked at before others have their turn: less than a millisecond. */
const sliceLength = 10_000

/** The tables of all names. They never change: a change of status makes others, which share with these what stays. */
export class SteeringTables {
  readonly #served: ServedNames
  readonly #tables: ReadonlyMap<string, NameTables>

  constructor(served: ServedNames, built: Iterable<NameTables>, before: Iterable<readonly [string, NameTables]> = []) {
    this.#served = served
    const tables = new Map(before)
    for (const one of built) tables.set(one.name, one)
    this.#tables = tables
  }

  /** With other tables for some names. */
  with(built: Iterable<NameTables>): SteeringTables {
    return new SteeringTables(this.#served, built, this.#tables)
  }

  /** The names that are steered, in the form of `hostName`. */
  get names(): ReadonlySet<string> {
    return this.#served.names
  }

  choose(name: string, ipv6: boolean, client: Client): Choice | undefined {
    const tables = this.#tables.get(name)
    return tables === undefined ? undefined : (ipv6 ? tables.ipv6 : tables.ipv4).choose(client)
  }

  explain(name: string, ipv6: boolean, client: Client): Explanation | undefined {
    const tables = this.#tables.get(name)
    if (tables === undefined) return undefined
    const { members, overridden } = this.#served
    const table = ipv6 ? tables.ipv6 : tables.ipv4
    return explain(name, table, client, members, this.#served.servicesOn(name), overridden)
  }

  /** What is out of the ordinary, in one go through all. */
  *inventory(): Slices<Inventory> {
    const held: Array<string> = []
    let heldMembers = 0
    let nextRelease = Number.POSITIVE_INFINITY
    let allDown = 0
    let work = 0
    const builder = new NoticesBuilder()
    for (const { ipv4, ipv6, name } of this.#tables.values()) {
      const there = ipv4.held.length + ipv6.held.length
      if (there > 0) held.push(name)
      heldMembers += there
      for (const [family, table] of [["IPv4", ipv4], ["IPv6", ipv6]] as const) {
        if (table.policy !== undefined) allDown++
        nextRelease = Math.min(nextRelease, table.nextRelease)
        builder.add(name, family, table)
      }
      work += 1 + there
      if (work >= sliceLength) {
        work = 0
        yield
      }
    }
    return { held, heldMembers, nextRelease, allDown, notices: builder.notices }
  }
}
