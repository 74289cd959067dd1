import { domainName, type NameKey } from "../DomainName.ts"
import { RecordType } from "../protocol.ts"
import { recordText } from "../recordText.ts"
import type { Zone, ZoneData } from "../ZoneData.ts"
import { KeptReplies } from "./KeptReplies.ts"

/** A zone as PowerDNS knows it. */
export interface IndexedZone {
  /** Above 0, and the same for a name as long as no other zone has its number. */
  readonly id: number
  /** Lower case, without the last dot. */
  readonly name: string
  readonly serial: number
}

/** Bytes of replies that are kept. Names come in any case, so that there is no end to the questions. */
const budget = 16 * 1024 * 1024

/** FNV-1a in 31 bits: the number of a zone must not change because another comes or goes. */
const numberOf = (name: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash >>> 1) || 1
}

/** The zones of one version of the zone data, by what PowerDNS calls them. */
export class ZoneIndex {
  readonly of: ZoneData
  readonly all: ReadonlyArray<IndexedZone>
  /** Replies that are the same for every client, by what was asked: PowerDNS asks for SOA and NS with every question. */
  readonly #fixed = new KeptReplies(budget)
  readonly #byName: ReadonlyMap<string, IndexedZone>

  constructor(of: ZoneData) {
    this.of = of
    const taken = new Set<number>()
    this.all = of.zones.map((name) => {
      let id = numberOf(name)
      while (taken.has(id)) id = id % 0x7fffffff + 1
      taken.add(id)
      return { id, name, serial: serialOf(of, name) }
    })
    this.#byName = new Map(this.all.map((zone) => [zone.name, zone]))
  }

  fixed(question: string): string | undefined {
    return this.#fixed.get(question)
  }

  /** Keeps a reply as long as this version of the zones, if there is room. */
  keepFixed(question: string, reply: string): string {
    return this.#fixed.keep(question, reply)
  }

  /** By a name in any case, with or without the last dot. */
  named(name: string): IndexedZone | undefined {
    return this.#byName.get(domainName(name)?.text ?? "")
  }

  idOf(zone: Zone): number {
    return this.#byName.get(zone.apex.text)?.id ?? -1
  }

  /** The keys of the names in a zone, its own name first as long as there are not more than `limit`, else undefined. */
  namesIn(zone: IndexedZone, limit: number): ReadonlyArray<NameKey> | undefined {
    const names: Array<NameKey> = []
    for (const [key, node] of this.of.nodes) {
      if (node.zone.apex.text !== zone.name) continue
      if (names.push(key) > limit) return undefined
    }
    return names
  }
}

/** What its SOA record says, which may be written by hand. */
const serialOf = (zones: ZoneData, name: string): number => {
  const key = domainName(name)?.key
  const found = key === undefined ? undefined : zones.nodes.get(key)?.found.get(RecordType.SOA)
  const data = found?._tag === "Answer" ? found.set.data[0] : undefined
  return data === undefined ? zones.serial : Number(recordText(RecordType.SOA, data).split(" ")[2])
}
