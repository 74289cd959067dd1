import { domainName, type NameKey, parentKey } from "./DomainName.ts"
import { followAliases } from "./followAliases.ts"
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
  readonly type: "A/AAAA" | "A" | "AAAA" | "TXT"
  /** Members are chosen for the client, the client's answer is explained, or what is at an address is given. */
  readonly from: "members" | "explanation" | "challenge"
}

/** A zone for people. */
export interface ListedZone {
  readonly name: string
  readonly records: ReadonlyArray<ListedRecord>
  /** Records at or below a delegation that no answer has: they are not addresses of its servers. */
  readonly hidden: ReadonlyArray<ListedRecord>
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

const recordsAt = (
  name: string,
  { found }: Readonly<ZoneNode>,
  isListed: (type: number) => boolean
): ReadonlyArray<ListedRecord> =>
  [...found].filter(([type]) => isListed(type)).sort(([a], [b]) => rank(a) - rank(b)).flatMap(([type, there]) =>
    (there._tag === "Answer" || there._tag === "Fetched" ? there.set.data : []).map((data) => ({
      name,
      type: typeName(type),
      ttl: there._tag === "Answer" || there._tag === "Fetched" ? there.set.ttl : 0,
      content: recordText(type, data, ".")
    }))
  )

/** What is answered by members at a steered name: a record that is written counts before them. */
const steeredType = (found: ZoneNode["found"]): "A/AAAA" | "A" | "AAAA" | undefined =>
  found.has(RecordType.A)
    ? found.has(RecordType.AAAA) ? undefined : "AAAA"
    : found.has(RecordType.AAAA)
    ? "A"
    : "A/AAAA"

const membersAt = (name: string, { found, referral, steered }: Readonly<ZoneNode>): ReadonlyArray<ListedAnswer> => {
  const type = steered === undefined || referral !== undefined ? undefined : steeredType(found)
  return type === undefined ? [] : [{ name, type, from: "members" }]
}

const answersAt = (name: string, node: Readonly<ZoneNode>): ReadonlyArray<ListedAnswer> => [
  ...membersAt(name, node),
  ...[...node.found.values()].flatMap(({ _tag }): ReadonlyArray<ListedAnswer> =>
    _tag === "Explained"
      ? [{ name, type: "TXT", from: "explanation" }]
      : _tag === "Fetched"
      ? [{ name, type: "TXT", from: "challenge" }]
      : []
  )
]

/** The names of servers whose addresses some referral has beside it. */
const glueNames = (zones: ZoneData): ReadonlySet<string> =>
  new Set(
    [...zones.nodes.values()].flatMap(({ isCut, referral }) =>
      isCut && referral?._tag === "Referral" ? referral.glue.map(({ owner }) => nameOf(owner)) : []
    )
  )

/** Whether no answer has a record of a type at a name: others know more about it, and it is no address of their servers. */
const isHidden = (key: NameKey, { referral }: Readonly<ZoneNode>, type: number, glue: ReadonlySet<string>): boolean => {
  if (referral?._tag !== "Referral") return false
  const name = nameText(key)
  return type === RecordType.A || type === RecordType.AAAA ? !glue.has(name) : name !== nameOf(referral.cut)
}

/** The zones with all that is in them, in the order of their names. */
export const listZones = (zones: ZoneData): ReadonlyArray<ListedZone> => {
  const glue = glueNames(zones)
  const nodes = [...zones.nodes].map(([key, node]) => ({ key, node, labels: labelsOf(key) }))
    .sort((a, b) => compareLabels(a.labels, b.labels))
  return zones.zones.map((zone) => {
    const own = nodes.filter(({ node }) => node.zone.apex.text === zone)
    const listed = (hidden: boolean) =>
      own.flatMap(({ key, node }) =>
        recordsAt(`${nameText(key)}.`, node, (type) => isHidden(key, node, type, glue) === hidden)
      )
    return {
      name: `${zone}.`,
      records: listed(false),
      hidden: listed(true),
      answers: own.flatMap(({ key, node }) => answersAt(`${nameText(key)}.`, node))
    }
  })
}

/** Types whose data ends with a name, but for aliases. */
const pointing = new Set<number>([RecordType.NS, RecordType.MX, RecordType.SRV])

/** Names on a way, for people: those in the middle are left out when there are many. */
const wayOf = (names: ReadonlyArray<string>): string =>
  (names.length > 6 ? [...names.slice(0, 4), "…", ...names.slice(-1)] : names).join(" → ")

/** What is wrong with where the aliases of a name end; undefined when somebody has an answer there. */
const aliasProblem = (zones: ZoneData, start: NameKey): string | undefined => {
  const { aliases, end } = followAliases(zones, start, RecordType.A)
  const targets = aliases.map(({ target }) => target)
  const names = [nameText(start), ...targets.map(({ key }) => nameText(key))]
  const last = names.at(-1)!
  if (end === undefined) {
    const at = aliases.findIndex((alias) => alias === zones.lookup(targets.at(-1)!.key, RecordType.A))
    return at >= 0
      ? `aliases in a circle have no answer: ${wayOf(names.slice(at))}`
      : `more aliases in a row than are followed: ${wayOf(names)}`
  }
  const what = end._tag === "NoName"
    ? "does not exist"
    : end._tag === "NoData" && zones.lookup(targets.at(-1)!.key, RecordType.ANY)._tag === "NoData"
    ? "has no records"
    : undefined
  return what === undefined ? undefined : `${last} ${what}${names.length > 2 ? ` (${wayOf(names)})` : ""}`
}

/** What is wrong with a name of ours that a record of some type names; undefined for names of others. */
const problemOf = (zones: ZoneData, type: number, target: string): string | undefined => {
  const name = domainName(target)
  const there = name === undefined ? undefined : zones.lookup(name.key, RecordType.A)
  return there?._tag === "NoName"
    ? `${target} does not exist`
    : there?._tag === "Alias"
    ? `${target} is an alias (RFC 2181, 10.3)`
    : there?._tag === "Referral" && type === RecordType.NS && !there.glue.some(({ owner }) => nameOf(owner) === target)
    ? `${target} is in what it delegates: without an A or AAAA record here nobody can reach it`
    : undefined
}

const nameOf = (wire: Uint8Array): string => nameText(Buffer.from(wire.subarray(0, -1)).toString("latin1") as NameKey)

/** Zones that do not say who serves them. */
const withoutServers = (zones: ZoneData): ReadonlyArray<ZoneProblem> =>
  zones.zones.flatMap((name) => {
    const node = zones.nodes.get(domainName(name)!.key)
    return node === undefined || node.found.has(RecordType.NS)
      ? []
      : [{ name, type: "NS", problem: "the zone has no NS records: add one for each of its name servers" }]
  })

/**
 * What can be served and will not work as meant: zones without servers, records that name something of our own zones that is
 * not there, aliases in a circle, servers that are aliases or out of reach, records that a delegation hides, and addresses that
 * are written where members are chosen.
 */
export const doubtsAbout = (zones: ZoneData): ReadonlyArray<ZoneProblem> => {
  const glue = glueNames(zones)
  return [
    ...zones.doubts,
    ...withoutServers(zones),
    ...[...zones.nodes].flatMap(([key, node]) => doubtsAt(zones, glue, key, node))
  ]
}

const doubtsAt = (
  zones: ZoneData,
  glue: ReadonlySet<string>,
  key: NameKey,
  node: Readonly<ZoneNode>
): ReadonlyArray<ZoneProblem> =>
  [...node.found].flatMap(([type, found]) => {
    if (found._tag !== "Answer") return []
    if (node.referral?._tag === "Referral" && isHidden(key, node, type, glue)) {
      const problem = `${nameOf(node.referral.cut)} is delegated: this is ${
        type === RecordType.NS ? "below that, and is" : "no address of one of its servers, and is"
      } never answered`
      return [{ name: nameText(key), type: typeName(type), problem }]
    }
    const problems = type === RecordType.CNAME
      ? [aliasProblem(zones, key)]
      : !pointing.has(type)
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
