import * as Redacted from "effect/Redacted"
import type { AnswerSources } from "../AnswerSources.ts"
import { fetchedSet } from "../challengeRecords.ts"
import { type Asker, askerOf } from "../ClientSubnet.ts"
import type { RecordSet } from "../encodeResponse.ts"
import { RecordType, typeName } from "../protocol.ts"
import { nameText, recordText } from "../recordText.ts"
import { makeSteer } from "../steer.ts"
import type { ZoneNode } from "../ZoneData.ts"
import { type PdnsRequest, readName, readRemote, readRequest, textOf } from "./request.ts"
import { type IndexedZone, ZoneIndex } from "./ZoneIndex.ts"
import type { ZoneKey } from "./zoneKeys.ts"

/** What the answers to PowerDNS depend on: the same that the embedded server answers from. */
export interface PdnsHandlerDeps extends AnswerSources {
  /** Called once for each request that can be read, with its method as it came. */
  readonly tally: (method: string) => void
  /** The keys that PowerDNS signs with, by the name of the zone. */
  readonly keys: ReadonlyMap<string, ReadonlyArray<ZoneKey>>
}

/** Answers one request; both are JSON without a line break. Never throws unless a dependency does. */
export type HandlePdns = (request: string) => string

/** The reply to what is no request, or cannot be answered now: without `result`, PowerDNS answers its client SERVFAIL. */
export const errorReply = (problem: string): string => JSON.stringify({ error: problem })

const no = `{"result":false}`
const yes = `{"result":true}`

/** What look-ups of steered names are about. */
const steerable = new Set(["A", "AAAA", "ANY"])

/** Names that `list` gives at most: a transfer of a zone with more would hold up all other questions. */
const maxListed = 5_000

/** NSEC3 without a chain of names (RFC 7129, appendix B): nobody can list the zone, and no order has to be kept. */
const signedMetadata: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["NSEC3PARAM", ["1 0 0 -"]],
  ["NSEC3NARROW", ["1"]]
])
const noMetadata: typeof signedMetadata = new Map()

const domainInfo = ({ id, name, serial }: IndexedZone) => ({
  id,
  zone: `${name}.`,
  masters: [],
  notified_serial: serial,
  serial,
  last_check: 0,
  kind: "native"
})

const result = (value: unknown): string => JSON.stringify({ result: value })

/** Where records of one name go: JSON, put together by hand because it is done for every question. */
class Records {
  #json = ""
  #isMore = false
  readonly #head: string
  readonly #tail: string

  constructor(qname: string, zone: number, auth: boolean) {
    this.#head = `","qname":${JSON.stringify(qname)},"content":`
    this.#tail = `,"domain_id":${zone},"auth":${auth ? 1 : 0},"scopeMask":`
  }

  add(type: string, content: string, ttl: number, scope: number): void {
    if (type !== "SOA") this.#isMore = true
    const comma = this.#json === "" ? "" : ","
    this.#json += `${comma}{"qtype":"${type}${this.#head}${content},"ttl":${ttl}${this.#tail}${scope}}`
  }

  /** PowerDNS takes SOA records out of what it is told and adds its own. */
  get isNoneButSoa(): boolean {
    return !this.#isMore
  }

  get json(): string {
    return this.#json
  }
}

/**
 * Makes the function that answers PowerDNS's remote backend. PowerDNS itself finds zones and wildcards, follows aliases
 * and refers; it is told what is at a name, and nothing else.
 */
export const makePdnsHandler = (deps: PdnsHandlerDeps): HandlePdns => {
  const steer = makeSteer(deps)
  // Data lives as long as the zone data, or the address of a member, that it belongs to.
  const contents = new WeakMap<Uint8Array, string>()
  let latest: ZoneIndex | undefined

  const index = (): ZoneIndex => {
    const zones = deps.zone()
    if (latest?.of !== zones) latest = new ZoneIndex(zones)
    return latest
  }

  const contentOf = (type: number, data: Uint8Array): string => {
    const known = contents.get(data)
    if (known !== undefined) return known
    const content = JSON.stringify(recordText(type, data))
    contents.set(data, content)
    return content
  }

  const addSet = (records: Records, { data, ttl, type }: RecordSet, scope: number): void => {
    for (const one of data) records.add(typeName(type), contentOf(type, one), ttl, scope)
  }

  const askerIn = (request: PdnsRequest): Asker => {
    const { resolver, subnet } = readRemote(request)
    return askerOf(subnet, resolver, deps.locate)
  }

  /** The address records that steering gives for a name; false when it does not know the name yet. */
  const addSteered = (
    records: Records,
    node: Readonly<ZoneNode>,
    qtype: string,
    request: PdnsRequest
  ): boolean => {
    if (node.steered?._tag !== "Steered" || !steerable.has(qtype)) return true
    const { name } = node.steered
    const remote = readRemote(request)
    const asker = askerOf(remote.subnet, remote.resolver, deps.locate)
    // The type asked for never arrives: this is the one look-up of a question that has its answer.
    const count = qtype === "ANY" && remote.resolver !== ""
    for (const ipv6 of [false, true]) {
      const type = ipv6 ? RecordType.AAAA : RecordType.A
      if (node.found.has(type) || (qtype !== "ANY" && qtype !== typeName(type))) continue
      const steered = steer(name, ipv6, asker)
      if (steered === undefined) return false
      if (steered.set !== undefined) addSet(records, steered.set, asker.scope)
      if (count && ipv6 === remote.isIpv6) deps.record(steered.hit)
    }
    return true
  }

  /** Undefined when there is data at the name that cannot be had now. */
  const recordsAt = (
    node: Readonly<ZoneNode>,
    qname: string,
    qtype: string,
    request: PdnsRequest | undefined
  ): string | undefined => {
    const isDelegated = node.referral !== undefined
    const records = new Records(qname, index().idOf(node.zone), !isDelegated)
    for (const [type, found] of node.found) {
      if (qtype !== "ANY" && qtype !== typeName(type)) continue
      if (found._tag === "Answer") addSet(records, found.set, 0)
      // A list is kept as long as the zones are.
      else if (found._tag === "Fetched" && request !== undefined) {
        const set = fetchedSet(found, deps.challenge)
        if (set === undefined) return undefined
        addSet(records, set, 0)
      } else if (found._tag === "Explained" && request !== undefined) {
        const asker = askerIn(request)
        const set = deps.explain(found.name, asker.client)
        if (set === undefined) return undefined
        addSet(records, set, asker.scope)
      }
    }
    if (!isDelegated && request !== undefined && !addSteered(records, node, qtype, request)) return undefined
    // Nothing at all would be NXDOMAIN. Below a delegation that is for others to say.
    if (records.isNoneButSoa && qtype === "ANY" && !isDelegated) records.add("ENT", `""`, 0, 0)
    return records.json
  }

  const lookup = (request: PdnsRequest): string => {
    const qname = textOf(request, "qname")
    const qtype = textOf(request, "qtype").toUpperCase()
    const zones = index()
    const question = `${qtype} ${qname}`
    const fixed = zones.fixed(question)
    if (fixed !== undefined) return fixed
    const key = readName(qname)
    const node = key === undefined ? undefined : zones.of.nodes.get(key)
    if (node === undefined) return `{"result":[]}`
    const records = recordsAt(node, qname, qtype, request)
    if (records === undefined) return errorReply(`the records of ${qname} are not there yet`)
    const reply = `{"result":[${records}]}`
    const text = node.found.get(RecordType.TXT)?._tag
    const changes = text === "Fetched" || text === "Explained" || (node.steered !== undefined && steerable.has(qtype))
    return changes ? reply : zones.keepFixed(question, reply)
  }

  const recordsOf = (zone: IndexedZone): string => {
    const names = index().namesIn(zone, maxListed)
    if (names === undefined) return no
    const { nodes } = index().of
    const records: Array<string> = []
    for (const key of names) {
      const node = nodes.get(key)
      // Members are chosen for a client: there is none here.
      const found = node === undefined ? undefined : recordsAt(node, `${nameText(key)}.`, "ANY", undefined)
      if (found) records.push(found)
    }
    return `{"result":[${records.join(",")}]}`
  }

  const list = (request: PdnsRequest): string => {
    const zones = index()
    const zone = zones.named(textOf(request, "zonename"))
    if (zone === undefined) return no
    // It is long, and asked for again with every transfer.
    const question = `list ${zone.name}`
    return zones.fixed(question) ?? zones.keepFixed(question, recordsOf(zone))
  }

  const keysOf = (name: string): ReadonlyArray<ZoneKey> => deps.keys.get(index().named(name)?.name ?? "") ?? []

  const domainKeys = (request: PdnsRequest): string => {
    const keys = keysOf(textOf(request, "name"))
    if (keys.length === 0) return no
    return result(keys.map(({ content, flags }, i) => ({
      id: i + 1,
      flags,
      active: true,
      published: true,
      content: Redacted.value(content)
    })))
  }

  const metadata = (request: PdnsRequest) => keysOf(textOf(request, "name")).length === 0 ? noMetadata : signedMetadata

  const answer = (request: PdnsRequest): string => {
    switch (request.method) {
      case "initialize":
        return yes
      case "lookup":
        return lookup(request)
      case "list":
        return list(request)
      case "getAllDomains":
        return result(index().all.map(domainInfo))
      case "getDomainInfo": {
        const zone = index().named(textOf(request, "name"))
        return zone === undefined ? no : result(domainInfo(zone))
      }
      case "getDomainKeys":
        return domainKeys(request)
      case "getAllDomainMetadata":
        return result(Object.fromEntries(metadata(request)))
      case "getDomainMetadata":
        return result(metadata(request).get(textOf(request, "kind")) ?? [])
      default:
        return no
    }
  }

  return (text) => {
    const request = readRequest(text)
    if (request === undefined) {
      deps.tally("")
      return errorReply('this is no request of PowerDNS: expected {"method": …, "parameters": {…}}')
    }
    deps.tally(request.method)
    return answer(request)
  }
}
