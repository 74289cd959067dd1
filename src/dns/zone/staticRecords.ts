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

/** The records of one name and type. */
export interface Group {
  readonly rows: ReadonlyArray<Row>
}

/** As names and texts are compared: without case and the last dot. */
const plain = ({ content }: Row): string => content.trim().toLowerCase().replace(/\.$/, "")

/** Their order in the alphabet: what is chosen by it does not depend on how a document is sorted. */
const byContent = (a: Row, b: Row): number => {
  const [one, other] = [plain(a), plain(b)]
  return one < other ? -1 : one > other ? 1 : Buffer.compare(a.data, b.data)
}

/** The one that counts where only one can. */
export const firstOf = (rows: ReadonlyArray<Row>): Row | undefined =>
  rows.reduce<Row | undefined>(
    (first, row) => first === undefined || byContent(row, first) < 0 ? row : first,
    undefined
  )

/** Each once: the same record again changes nothing but that the lower TTL counts. */
const eachOnce = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const known = new Map<string, Row>()
  for (const row of rows) {
    const data = Buffer.from(row.data).toString("latin1")
    const same = known.get(data)
    if (same === undefined || row.ttl < same.ttl) known.set(data, row)
  }
  return [...known.values()]
}

/** With the name, type, class and TTL that each record has on the wire; `data` begins with its length. */
const bytesOf = ({ data, name }: Row): number => name.wire.length + 8 + data.length

/** What can be served of two or more records of one name and type: the same whatever order they come in. */
const served = (build: ZoneBuild, all: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const rows = eachOnce(all)
  const [{ name, type }] = rows as readonly [Row, ...ReadonlyArray<Row>]
  if (rows.length > 1 && (type === "SOA" || type === "CNAME")) {
    for (let more = rows.length; more > 1; more--) {
      build.report(name.text, type, "there is one already; the first in the alphabet counts")
    }
    return [firstOf(rows)!]
  }
  if (rows.reduce((bytes, row) => bytes + bytesOf(row), 0) <= maxSetBytes) return rows
  let bytes = 0
  return [...rows].sort(byContent).filter((row) => {
    if (bytes + bytesOf(row) > maxSetBytes) {
      build.report(name.text, type, `all of them together exceed ${maxSetBytes} bytes`)
      return false
    }
    bytes += bytesOf(row)
    return true
  })
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

interface MutableGroup extends Group {
  rows: Array<Row>
}

/** The records of one name and type together. Those outside all zones are left out. */
export const groupRecords = function*(
  build: ZoneBuild,
  rows: ReadonlyArray<Row>,
  apexes: ReadonlyMap<NameKey, DomainName>
): Slices<GroupsByName> {
  const byName = new Map<NameKey, Map<string, MutableGroup>>()
  for (const row of rows) {
    if (build.isSliceOver()) yield
    const { name: { key, text }, type } = row
    if (enclosing(apexes, key) === undefined) {
      build.report(text, type, "the name is in no zone: add a SOA or NS record for its zone")
      continue
    }
    const groups = byName.get(key)
    const group = groups?.get(type)
    if (groups === undefined) byName.set(key, new Map([[type, { rows: [row] }]]))
    else if (group === undefined) groups.set(type, { rows: [row] })
    else group.rows.push(row)
  }
  for (const groups of byName.values()) {
    if (build.isSliceOver()) yield
    for (const group of groups.values()) {
      if (group.rows.length > 1) group.rows = [...served(build, group.rows)]
    }
  }
  return byName
}
