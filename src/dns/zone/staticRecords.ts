import * as Result from "effect/Result"
import type { StaticRecord } from "../../domain/documents/StaticDns.ts"
import type { Slices } from "../../domain/Slices.ts"
import { type DomainName, domainName, isWildcard, type NameKey } from "../DomainName.ts"
import type { RecordSet } from "../encodeResponse.ts"
import { maxTtl } from "../protocol.ts"
import { readRecordData, staticTypeNumber } from "../RecordData.ts"
import { enclosing } from "./enclosing.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** A static record that can be served. */
export interface Row {
  readonly name: DomainName
  readonly type: string
  readonly ttl: number
  readonly data: Uint8Array
  readonly content: string
}

/** The most that all records of one name and type may take: a message over TCP holds them, whatever else is in it. */
const maxSetBytes = 48 * 1024

/** What is said of a name that is none. */
export const noName = "this is no domain name (labels of 1 to 63 bytes, at most 255 bytes in all)"

/** The records of one name and type, each once, bounded in all. */
export class Group {
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
export type Groups = ReadonlyMap<string, Group>

/** The records that there are, by name and type. */
export type GroupsByName = ReadonlyMap<NameKey, Groups>

/** What is answered of records of one name and type. */
export const setOf = (rows: ReadonlyArray<Row>): RecordSet => ({
  type: staticTypeNumber(rows[0]!.type),
  // The lowest counts for all records of a name and type (RFC 2181, 5.2).
  ttl: rows.reduce((lowest, row) => Math.min(lowest, row.ttl), maxTtl),
  data: rows.map((row) => row.data)
})

/** What the static records say, one by one. */
export interface StaticRecords {
  readonly rows: ReadonlyArray<Row>
  /** Names with SOA records, good ones or not. */
  readonly withSoa: ReadonlyMap<NameKey, DomainName>
  /** Names with NS records, good ones or not, be they a zone's own or a delegation. */
  readonly withServers: ReadonlyMap<NameKey, DomainName>
}

/** Reads the static records. Those that cannot be served are left out. */
export const readRecords = function*(
  build: ZoneBuild,
  records: ReadonlyArray<StaticRecord>
): Slices<StaticRecords> {
  const rows: Array<Row> = []
  const withSoa = new Map<NameKey, DomainName>()
  const withServers = new Map<NameKey, DomainName>()
  for (const record of records) {
    if (build.isSliceOver()) yield
    const type = record.qtype.trim().toUpperCase()
    const name = domainName(record.qname)
    if (name === undefined) {
      build.report(record.qname, type, noName)
      continue
    }
    if (isWildcard(name.key) && (type === "NS" || type === "SOA")) {
      build.report(name.text, type, "a wildcard cannot delegate or begin a zone (RFC 4592, 4)")
      continue
    }
    // Also with bad content: where a zone begins must not depend on a slip in a record.
    if (type === "SOA") withSoa.set(name.key, name)
    if (type === "NS") withServers.set(name.key, name)
    const data = readRecordData(type, record.content)
    const ttl = Math.min(Math.floor(record.ttl), maxTtl)
    if (Result.isFailure(data)) build.report(name.text, type, data.failure)
    else rows.push({ name, type, ttl, data: data.success, content: record.content })
  }
  return { rows, withSoa, withServers }
}

/** The records of one name and type together. Those outside all zones are left out. */
export const groupRecords = function*(
  build: ZoneBuild,
  rows: ReadonlyArray<Row>,
  apexes: ReadonlyMap<NameKey, DomainName>
): Slices<GroupsByName> {
  const byName = new Map<NameKey, Map<string, Group>>()
  for (const row of rows) {
    if (build.isSliceOver()) yield
    const { name: { key, text }, type } = row
    if (enclosing(apexes, key) === undefined) {
      build.report(text, type, "the name is in no zone: add a SOA or NS record for its zone")
      continue
    }
    const groups = byName.get(key) ?? new Map<string, Group>()
    byName.set(key, groups)
    const group = groups.get(type) ?? new Group()
    groups.set(type, group)
    const problem = group.add(row)
    if (problem !== undefined) build.report(text, type, problem)
  }
  return byName
}
