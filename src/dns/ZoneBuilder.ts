import * as Result from "effect/Result"
import { isIP } from "node:net"
import { atOnce, type Slices } from "../domain/Slices.ts"
import { challengeAddress } from "./challenge.ts"
import type { RecordSet } from "./codec.ts"
import { type DomainName, domainName, isWildcard, type NameKey, parentKey } from "./DomainName.ts"
import { maxTtl, RecordType } from "./protocol.ts"
import { anyData, mailbox, parseSoa, readRecordData, type Soa, soaData, staticTypeNumber } from "./RecordData.ts"
import {
  findIn,
  type Found,
  type Zone,
  type ZoneData,
  type ZoneNode,
  type ZoneProblem,
  type ZoneSettings,
  type ZoneSources
} from "./ZoneData.ts"

/** A static record that can be served. */
interface Row {
  readonly name: DomainName
  readonly type: string
  readonly ttl: number
  readonly data: Uint8Array
  readonly content: string
}

/** The most that all records of one name and type may take: a message over TCP holds them, whatever else is in it. */
const maxSetBytes = 48 * 1024

/** Negative answers are kept at most that long, in seconds. */
const maxMinimum = 60

/** The TTL of a SOA record that we make up, in seconds. */
const soaTtl = 3600

const defaultSettings: ZoneSettings = {
  mname: "",
  rname: "",
  refresh: 3600,
  retry: 600,
  expire: 604800,
  minimum: maxMinimum
}

/** Records and names looked at before {@link zoneDataInSlices} gives way: a millisecond or two. */
const sliceSteps = 250

/** Addresses of ACME challenges that are read. */
const maxChallenges = 64

/** The longest TTL of a challenge, in seconds: the next one must not have to wait for the last. */
const challengeTtl = 60

const noName = "this is no domain name (labels of 1 to 63 bytes, at most 255 bytes in all)"

/** What a TXT record says, its character-strings joined. */
const textOf = (data: Uint8Array): string => {
  let text = ""
  for (let at = 2; at < data.length; at += 1 + data[at]!) {
    text += Buffer.from(data.subarray(at + 1, at + 1 + data[at]!)).toString("latin1")
  }
  return text
}

/** Of a record at `_acme-challenge.*`, the address where the answer is to be found: it is not the answer. */
const addressIn = ({ data, name, type }: Row): string | undefined =>
  type === "TXT" && name.text.startsWith("_acme-challenge.") ? challengeAddress(textOf(data)) : undefined

/** The records of one name and type, each once, bounded in all. */
class Group {
  readonly rows: Array<Row> = []
  readonly #known = new Set<string>()
  #bytes = 0

  /** Takes a record, or says why not. The same record again changes nothing. */
  add(row: Row): string | undefined {
    const content = Buffer.from(row.data).toString("latin1")
    if (this.#known.has(content)) return undefined
    if (this.rows.length > 0 && (row.type === "SOA" || row.type === "CNAME")) {
      return "there is one already; the first counts"
    }
    // With the name, type, class and TTL that each record has on the wire; `data` begins with its length.
    const bytes = row.name.wire.length + 8 + row.data.length
    if (this.#bytes + bytes > maxSetBytes) return `all of them together exceed ${maxSetBytes} bytes`
    this.#known.add(content)
    this.#bytes += bytes
    this.rows.push(row)
    return undefined
  }
}

/** The records at one name, by type. */
type Groups = ReadonlyMap<string, Group>

const setOf = (rows: ReadonlyArray<Row>): RecordSet => ({
  type: staticTypeNumber(rows[0]!.type),
  // The lowest counts for all records of a name and type (RFC 2181, 5.2).
  ttl: rows.reduce((lowest, row) => Math.min(lowest, row.ttl), maxTtl),
  data: rows.map((row) => row.data)
})

/** Of a name or those above it, the nearest that is in the map. */
const enclosing = <A>(names: ReadonlyMap<NameKey, A>, key: NameKey): A | undefined => {
  for (let at = key; at !== ""; at = parentKey(at)) {
    const found = names.get(at)
    if (found !== undefined) return found
  }
  return undefined
}

/** Builds zone data at once; {@link zoneDataInSlices} gives way in between. */
export const makeZoneData = (sources: ZoneSources): ZoneData => atOnce(zoneDataInSlices(sources))

/**
 * Builds zone data. It yields whenever a bounded amount of work is done.
 *
 * Zones begin at names with a SOA record or settings, and at names with NS records that are not below such a name (there
 * they delegate); a served name outside all of those gets a zone of its last two labels. A SOA record is made up where
 * none is written; one that is written keeps its serial, unless that is 0; MINIMUM is at most 60 in all. What cannot be
 * served is left out and listed in `problems`; it disturbs nothing else.
 */
export const zoneDataInSlices = (sources: ZoneSources): Slices<ZoneData> => new ZoneBuilder(sources).build()

class ZoneBuilder {
  readonly #sources: ZoneSources
  readonly #problems: Array<ZoneProblem> = []
  #steps = 0
  #accounts = 0

  readonly #rows: Array<Row> = []
  readonly #served: Array<DomainName> = []
  readonly #settings = new Map<NameKey, ZoneSettings>()
  /** Names with NS records, be they a zone's own or a delegation. */
  readonly #withServers = new Map<NameKey, DomainName>()
  /** Where zones begin. */
  readonly #apexes = new Map<NameKey, DomainName>()
  readonly #byName = new Map<NameKey, Map<string, Group>>()
  readonly #zones = new Map<NameKey, Zone>()
  readonly #nodes = new Map<NameKey, ZoneNode>()
  readonly #challenges = new Map<string, string>()
  /** Delegations, by the name where they begin. */
  readonly #cuts = new Map<NameKey, Found>()

  constructor(sources: ZoneSources) {
    this.#sources = sources
  }

  *build(): Generator<void, ZoneData, void> {
    yield* this.#readRecords()
    this.#readSettings()
    yield* this.#findDelegations()
    yield* this.#readServed()
    yield* this.#group()
    yield* this.#makeZones()
    yield* this.#placeServed()
    yield* this.#makeCuts()
    yield* this.#placeRecords()
    if (this.#sources.explained === true) yield* this.#placeExplained()
    yield* this.#placeReferrals()
    const nodes = this.#nodes
    return {
      zones: [...this.#zones.values()].map((zone) => zone.apex.text).sort(),
      serial: this.#sources.serial,
      problems: this.#problems,
      challenges: this.#challenges,
      lookup: (key, type) => findIn(nodes, key, type),
      nodes
    }
  }

  #report(name: string, type: string, problem: string): void {
    this.#problems.push({ name, type, problem })
  }

  #account(): number {
    return ++this.#accounts
  }

  #isSliceOver(): boolean {
    return ++this.#steps % sliceSteps === 0
  }

  *#readRecords(): Generator<void, void, void> {
    for (const record of this.#sources.records) {
      if (this.#isSliceOver()) yield
      const type = record.qtype.trim().toUpperCase()
      const name = domainName(record.qname)
      if (name === undefined) {
        this.#report(record.qname, type, noName)
        continue
      }
      if (isWildcard(name.key) && (type === "NS" || type === "SOA")) {
        this.#report(name.text, type, "a wildcard cannot delegate or begin a zone (RFC 4592, 4)")
        continue
      }
      // Also with bad content: where a zone begins must not depend on a slip in a record.
      if (type === "SOA") this.#apexes.set(name.key, name)
      if (type === "NS") this.#withServers.set(name.key, name)
      const data = readRecordData(type, record.content)
      const ttl = Math.min(Math.floor(record.ttl), maxTtl)
      if (Result.isFailure(data)) this.#report(name.text, type, data.failure)
      else this.#rows.push({ name, type, ttl, data: data.success, content: record.content })
    }
  }

  #readSettings(): void {
    for (const [text, settings] of Object.entries(this.#sources.zones)) {
      const name = domainName(text)
      if (name === undefined || isWildcard(name.key)) this.#report(text, "SOA", "this is no name of a zone")
      else {
        this.#apexes.set(name.key, name)
        this.#settings.set(name.key, settings)
      }
    }
  }

  /** NS records begin a zone where they are not below another name that does. */
  *#findDelegations(): Generator<void, void, void> {
    const others = new Map([...this.#apexes, ...this.#withServers])
    for (const [key, name] of this.#withServers) {
      if (this.#isSliceOver()) yield
      if (enclosing(others, parentKey(key)) === undefined) this.#apexes.set(key, name)
    }
  }

  *#readServed(): Generator<void, void, void> {
    const made = new Map<NameKey, DomainName>()
    for (const host of this.#sources.served) {
      if (this.#isSliceOver()) yield
      if (isIP(host) !== 0 || host.startsWith("[")) continue
      const name = domainName(host)
      if (name === undefined) {
        this.#report(host, "A", noName)
        continue
      }
      this.#served.push(name)
      if (enclosing(this.#apexes, name.key) === undefined) {
        const apex = domainName(name.text.split(".").slice(-2).join("."))!
        made.set(apex.key, apex)
      }
    }
    for (const [key, apex] of made) this.#apexes.set(key, apex)
  }

  *#group(): Generator<void, void, void> {
    for (const row of this.#rows) {
      if (this.#isSliceOver()) yield
      const { name: { key, text }, type } = row
      if (enclosing(this.#apexes, key) === undefined) {
        this.#report(text, type, "the name is in no zone: add a SOA or NS record for its zone")
        continue
      }
      const groups = this.#byName.get(key) ?? new Map<string, Group>()
      this.#byName.set(key, groups)
      const group = groups.get(type) ?? new Group()
      groups.set(type, group)
      const problem = group.add(row)
      if (problem !== undefined) this.#report(text, type, problem)
    }
  }

  *#makeZones(): Generator<void, void, void> {
    for (const [key, apex] of this.#apexes) {
      if (this.#isSliceOver()) yield
      const soa = this.#soaOf(apex)
      const ttl = this.#byName.get(key)?.get("SOA")?.rows[0]?.ttl ?? soaTtl
      const data = [soaData(soa)]
      const negative = { type: RecordType.SOA, ttl: Math.min(ttl, soa.minimum), data }
      this.#zones.set(key, {
        apex,
        noName: { _tag: "NoName", account: this.#account(), apex: apex.wire, soa: negative },
        noData: { _tag: "NoData", account: this.#account(), apex: apex.wire, soa: negative },
        soa: { _tag: "Answer", account: this.#account(), set: { type: RecordType.SOA, ttl, data } },
        any: {
          _tag: "Answer",
          account: this.#account(),
          set: { type: RecordType.HINFO, ttl: soa.minimum, data: [anyData()] }
        }
      })
    }
    for (const [key, zone] of this.#zones) {
      if (this.#isSliceOver()) yield
      this.#nodeAt(key).found.set(RecordType.SOA, zone.soa)
    }
  }

  #soaOf(apex: DomainName): Soa {
    const { serial } = this.#sources
    const groups = this.#byName.get(apex.key)
    const written = groups?.get("SOA")?.rows[0]?.content
    const parsed = written === undefined ? undefined : Result.getOrUndefined(parseSoa(written))
    if (parsed !== undefined) {
      return { ...parsed, serial: parsed.serial || serial, minimum: Math.min(parsed.minimum, maxMinimum) }
    }
    const settings = this.#settings.get(apex.key) ?? defaultSettings
    const server = settings.mname || groups?.get("NS")?.rows[0]?.content || `ns.${apex.text}`
    const box = settings.rname || `hostmaster.${apex.text}`
    const mname = domainName(server)?.text
    const rname = mailbox(box)
    if (mname === undefined) this.#report(apex.text, "SOA", `mname "${server}" is no domain name: ours is used`)
    if (rname === undefined) this.#report(apex.text, "SOA", `rname "${box}" is no mailbox: ours is used`)
    const seconds = (n: number): number => Math.min(Math.floor(n), maxTtl)
    return {
      mname: mname ?? apex.text,
      rname: rname ?? apex.text,
      serial,
      refresh: seconds(settings.refresh),
      retry: seconds(settings.retry),
      expire: seconds(settings.expire),
      minimum: Math.min(seconds(settings.minimum), maxMinimum)
    }
  }

  #nodeAt(key: NameKey): ZoneNode {
    const there = this.#nodes.get(key)
    if (there !== undefined) return there
    const node: ZoneNode = {
      zone: enclosing(this.#zones, key)!,
      found: new Map(),
      alias: undefined,
      steered: undefined,
      referral: undefined,
      isCut: false
    }
    this.#nodes.set(key, node)
    // The names above exist too, if only as empty ones, up to the outermost zone of ours.
    const parent = parentKey(key)
    if (enclosing(this.#zones, parent) !== undefined) this.#nodeAt(parent)
    return node
  }

  *#placeServed(): Generator<void, void, void> {
    for (const { key, text } of this.#served) {
      if (this.#isSliceOver()) yield
      const node = this.#nodeAt(key)
      node.steered = { _tag: "Steered", account: this.#account(), name: text, nothing: node.zone.noData }
    }
  }

  *#makeCuts(): Generator<void, void, void> {
    for (const [key, { wire }] of this.#withServers) {
      if (this.#isSliceOver()) yield
      const servers = this.#byName.get(key)?.get("NS")?.rows
      if (servers === undefined || this.#apexes.has(key)) continue
      const glue = servers.flatMap((row) => {
        const server = domainName(row.content)!
        return ["A", "AAAA"].flatMap((type) => {
          const addresses = this.#byName.get(server.key)?.get(type)?.rows ?? []
          return addresses.length === 0 ? [] : [{ owner: server.wire, set: setOf(addresses) }]
        })
      })
      this.#cuts.set(key, { _tag: "Referral", account: this.#account(), cut: wire, servers: setOf(servers), glue })
    }
  }

  /** The delegation that a name is at or below; of several the topmost, as nobody comes further. */
  #cutOf(key: NameKey): Found | undefined {
    let cut: Found | undefined
    for (let at = key; !this.#apexes.has(at); at = parentKey(at)) cut = this.#cuts.get(at) ?? cut
    return cut
  }

  *#placeRecords(): Generator<void, void, void> {
    for (const [key, groups] of this.#byName) {
      if (this.#isSliceOver()) yield
      const node = this.#nodeAt(key)
      node.isCut = this.#cuts.has(key)
      const isDelegated = this.#cutOf(key) !== undefined
      for (const [type, { rows }] of groups) {
        const [first] = rows
        if (first === undefined || type === "SOA") continue
        const problem = isDelegated
          ? delegatedProblem(type, node.isCut)
          : type === "CNAME"
          ? this.#aliasProblem(key, node, groups)
          : undefined
        if (problem !== undefined) {
          this.#report(first.name.text, type, problem)
          continue
        }
        const set = setOf(rows)
        node.found.set(set.type, this.#fetched(node, rows) ?? { _tag: "Answer", account: this.#account(), set })
        if (type === "CNAME") {
          node.alias = { _tag: "Alias", account: this.#account(), set, target: domainName(first.content)! }
        }
      }
    }
  }

  /** What is found at a name with addresses of challenges; undefined when it has none. */
  #fetched({ zone }: ZoneNode, rows: ReadonlyArray<Row>): Found | undefined {
    const found = rows.map((row) => ({ row, address: addressIn(row) }))
    if (found.every(({ address }) => address === undefined)) return undefined
    const addresses: Array<string> = []
    for (const { address, row: { name } } of found) {
      if (address === undefined) continue
      if (address === "") this.#report(name.text, "TXT", "no http or https URL: a challenge is not read from there")
      else if (!this.#challenges.has(address) && this.#challenges.size >= maxChallenges) {
        this.#report(name.text, "TXT", `challenges are read from ${maxChallenges} addresses at most`)
      } else {
        this.#challenges.set(address, name.text)
        addresses.push(address)
      }
    }
    const set = setOf(rows)
    const data = found.flatMap(({ address, row }) => address === undefined ? [row.data] : [])
    return {
      _tag: "Fetched",
      account: this.#account(),
      addresses,
      set: { ...set, ttl: Math.min(set.ttl, challengeTtl), data },
      nothing: zone.noData
    }
  }

  #aliasProblem(key: NameKey, node: ZoneNode, groups: Groups): string | undefined {
    if (this.#apexes.has(key)) return "a zone's own name cannot be an alias (RFC 1912, 2.4)"
    if (groups.size > 1) return "an alias cannot have other records beside it (RFC 1034, 3.6.2)"
    if (node.steered !== undefined) return "services have URLs on this name: it cannot be an alias"
    return undefined
  }

  *#placeExplained(): Generator<void, void, void> {
    for (const { text } of this.#served) {
      if (this.#isSliceOver()) yield
      const name = domainName(`explain.${text}`)
      if (name === undefined || this.#cutOf(name.key) !== undefined) continue
      const { alias, found } = this.#nodeAt(name.key)
      // What is written counts.
      if (alias === undefined && !found.has(RecordType.TXT)) {
        found.set(RecordType.TXT, { _tag: "Explained", account: this.#account(), name: text })
      }
    }
  }

  *#placeReferrals(): Generator<void, void, void> {
    for (const [key, node] of this.#nodes) {
      if (this.#isSliceOver()) yield
      node.referral = this.#cutOf(key)
      if (node.referral?._tag === "Referral" && node.steered?._tag === "Steered") {
        this.#report(node.steered.name, "A", "services have URLs on this name, but it is delegated")
      }
    }
  }
}

const delegatedProblem = (type: string, isCut: boolean): string | undefined =>
  type === "A" || type === "AAAA" || (type === "NS" && isCut)
    ? undefined
    : "the name is delegated: it is never asked for here"
