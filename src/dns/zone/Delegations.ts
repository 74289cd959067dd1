import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, type NameKey, parentKey } from "../DomainName.ts"
import type { RecordSet } from "../encodeResponse.ts"
import type { Found } from "../ZoneData.ts"
import { type GroupsByName, setOf } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** A message over TCP holds that many bytes of servers and addresses, whatever aliases lead there. What is more is left out. */
const maxReferralBytes = 56 * 1024

/** With the name, type, class and TTL that each record has on the wire. */
const bytesOf = (owner: Uint8Array, { data }: RecordSet): number =>
  data.reduce((bytes, one) => bytes + owner.length + 8 + one.length, 0)

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
      if (servers === undefined) continue
      const set = setOf(servers)
      let bytes = bytesOf(wire, set)
      const glue = servers.flatMap((row) => {
        const { key, wire: owner } = domainName(row.content)!
        return ["A", "AAAA"].flatMap((type) => {
          const addresses = byName.get(key)?.get(type)?.rows ?? []
          const set = addresses.length === 0 ? undefined : setOf(addresses)
          const more = set === undefined ? 0 : bytesOf(owner, set)
          if (set === undefined || bytes + more > maxReferralBytes) return []
          bytes += more
          return [{ owner, set }]
        })
      })
      cuts.set(key, { _tag: "Referral", account: build.account(), cut: wire, servers: set, glue })
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
    for (let at = key; at !== "" && !this.#apexes.has(at); at = parentKey(at)) cut = this.#cuts.get(at) ?? cut
    return cut
  }
}
