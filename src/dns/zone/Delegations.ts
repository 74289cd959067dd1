import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, type NameKey, parentKey } from "../DomainName.ts"
import type { Found } from "../ZoneData.ts"
import { type GroupsByName, setOf } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** Where somebody else's servers know more: at names with NS records where no zone of ours begins. */
export class Delegations {
  readonly #apexes: ReadonlyMap<NameKey, DomainName>
  /** By the name where they begin. */
  readonly #cuts: ReadonlyMap<NameKey, Found>

  constructor(apexes: ReadonlyMap<NameKey, DomainName>, cuts: ReadonlyMap<NameKey, Found>) {
    this.#apexes = apexes
    this.#cuts = cuts
  }

  static *inSlices(
    build: ZoneBuild,
    withServers: ReadonlyMap<NameKey, DomainName>,
    apexes: ReadonlyMap<NameKey, DomainName>,
    byName: GroupsByName
  ): Slices<Delegations> {
    const cuts = new Map<NameKey, Found>()
    for (const [key, { wire }] of withServers) {
      if (build.isSliceOver()) yield
      const servers = byName.get(key)?.get("NS")?.rows
      if (servers === undefined || apexes.has(key)) continue
      const glue = servers.flatMap((row) => {
        const server = domainName(row.content)!
        return ["A", "AAAA"].flatMap((type) => {
          const addresses = byName.get(server.key)?.get(type)?.rows ?? []
          return addresses.length === 0 ? [] : [{ owner: server.wire, set: setOf(addresses) }]
        })
      })
      cuts.set(key, { _tag: "Referral", account: build.account(), cut: wire, servers: setOf(servers), glue })
    }
    return new Delegations(apexes, cuts)
  }

  /** Whether one begins at a name. */
  beginAt(key: NameKey): boolean {
    return this.#cuts.has(key)
  }

  /** The one that a name is at or below; of several the topmost, as nobody comes further. */
  of(key: NameKey): Found | undefined {
    let cut: Found | undefined
    for (let at = key; !this.#apexes.has(at); at = parentKey(at)) cut = this.#cuts.get(at) ?? cut
    return cut
  }
}
