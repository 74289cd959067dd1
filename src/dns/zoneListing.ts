import { domainName, type NameKey, parentKey } from "./DomainName.ts"
import { RecordType, typeName } from "./protocol.ts"
import { nameText, recordText } from "./recordText.ts"
import type { ZoneData, ZoneNode, ZoneProblem } from "./ZoneData.ts"

/** A record as zone files write it (RFC 1035, 5.1): names in full, with the last dot. TTL in seconds. */
export interface ListedRecord {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly content: string
}

/** What a name answers that is in no record: it is found out for each question. */
export interface ListedAnswer {
  readonly name: string
  readonly type: "A/AAAA" | "TXT"
  /** Members are chosen for the client, the client's answer is explained, or what is at an address is given. */
  readonly from: "members" | "explanation" | "challenge"
}

/** A zone for people. */
export interface ListedZone {
  readonly name: string
  readonly records: ReadonlyArray<ListedRecord>
  readonly answers: ReadonlyArray<ListedAnswer>
}

/** The labels of a name from the root down, so that names sort as in RFC 4034, 6.1: a name, then what is below it. */
const labelsOf = (key: NameKey): ReadonlyArray<string> => {
  const labels: Array<string> = []
  for (let at: NameKey = key; at !== ""; at = parentKey(at)) labels.unshift(at.slice(1, 1 + at.charCodeAt(0)))
  return labels
}

const compareLabels = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number => {
  for (const [i, label] of a.entries()) {
    const other = b[i]
    if (other === undefined || label > other) return 1
    if (label < other) return -1
  }
  return a.length - b.length
}

/** The SOA record first, then the servers. */
const rank = (type: number): number => type === RecordType.SOA ? -2 : type === RecordType.NS ? -1 : type

const recordsAt = (name: string, { found }: Readonly<ZoneNode>): ReadonlyArray<ListedRecord> =>
  [...found].sort(([a], [b]) => rank(a) - rank(b)).flatMap(([type, there]) =>
    (there._tag === "Answer" || there._tag === "Fetched" ? there.set.data : []).map((data) => ({
      name,
      type: typeName(type),
      ttl: there._tag === "Answer" || there._tag === "Fetched" ? there.set.ttl : 0,
      content: recordText(type, data, ".")
    }))
  )

const answersAt = (name: string, { found, referral, steered }: Readonly<ZoneNode>): ReadonlyArray<ListedAnswer> => [
  ...(steered === undefined || referral !== undefined ? [] : [{ name, type: "A/AAAA", from: "members" } as const]),
  ...[...found.values()].flatMap(({ _tag }): ReadonlyArray<ListedAnswer> =>
    _tag === "Explained"
      ? [{ name, type: "TXT", from: "explanation" }]
      : _tag === "Fetched"
      ? [{ name, type: "TXT", from: "challenge" }]
      : []
  )
]

/** The zones with all that is in them, in the order of their names. */
export const listZones = (zones: ZoneData): ReadonlyArray<ListedZone> => {
  const nodes = [...zones.nodes].map(([key, node]) => ({ key, node, labels: labelsOf(key) }))
    .sort((a, b) => compareLabels(a.labels, b.labels))
  return zones.zones.map((zone) => {
    const own = nodes.filter(({ node }) => node.zone.apex.text === zone)
    return {
      name: `${zone}.`,
      records: own.flatMap(({ key, node }) => recordsAt(`${nameText(key)}.`, node)),
      answers: own.flatMap(({ key, node }) => answersAt(`${nameText(key)}.`, node))
    }
  })
}

/** Types whose data ends with a name. */
const pointing = new Set<number>([RecordType.NS, RecordType.CNAME, RecordType.MX, RecordType.SRV])

/** What is wrong with a name of ours that a record of some type names; undefined for names of others. */
const problemOf = (zones: ZoneData, type: number, target: string): string | undefined => {
  const name = domainName(target)
  const there = name === undefined ? undefined : zones.lookup(name.key, RecordType.A)
  return there?._tag === "NoName"
    ? `${target} does not exist`
    : there?._tag === "Alias" && type !== RecordType.CNAME
    ? `${target} is an alias (RFC 2181, 10.3)`
    : there?._tag === "Referral" && type === RecordType.NS && !there.glue.some(({ owner }) => nameOf(owner) === target)
    ? `${target} is in what it delegates: without an A or AAAA record here nobody can reach it`
    : undefined
}

const nameOf = (wire: Uint8Array): string => nameText(Buffer.from(wire.subarray(0, -1)).toString("latin1") as NameKey)

/**
 * What can be served and will not work as meant: records that name something of our own zones that is not there, servers that
 * are aliases or out of reach, and addresses that are written where members are chosen.
 */
export const doubtsAbout = (zones: ZoneData): ReadonlyArray<ZoneProblem> =>
  [...zones.nodes].flatMap(([key, node]) =>
    [...node.found].flatMap(([type, found]) => {
      if (found._tag !== "Answer") return []
      const problems = !pointing.has(type)
        ? []
        : found.set.data.map((data) => problemOf(zones, type, recordText(type, data).split(" ").at(-1)!))
      if (node.steered !== undefined && (type === RecordType.A || type === RecordType.AAAA)) {
        problems.push(
          "services have URLs on this name: the address that is written here is answered instead of their members"
        )
      }
      return problems.flatMap((problem) =>
        problem === undefined ? [] : [{ name: nameText(key), type: typeName(type), problem }]
      )
    })
  )
