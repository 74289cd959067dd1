import { type NameKey, parentKey } from "./DomainName.ts"
import { followAliases, type Followed } from "./followAliases.ts"
import { RecordType, typeName } from "./protocol.ts"
import { nameText, recordText } from "./recordText.ts"
import type { Found, ZoneData } from "./ZoneData.ts"

/** A record of an answer, for people and programs. TTL in seconds. */
export interface AnsweredRecord {
  readonly name: string
  readonly type: string
  readonly ttl: number
  readonly data: string
}

/** What the zones say about a question for addresses, before anybody is chosen. */
export interface ZoneAnswer {
  /** The zone that the answer comes from, `""` when it is none of ours. */
  readonly zone: string
  /** The name at the end of the aliases, which is the one asked for when there are none. */
  readonly name: string
  /**
   * Who answers: members that are chosen for the client, static records, or the servers to which it is delegated. Or nobody: the name has no
   * address of the type, does not exist, is in no zone of ours, is an alias in a circle, or cannot be answered now (SERVFAIL).
   */
  readonly rule: "members" | "static" | "delegated" | "no-data" | "no-name" | "outside" | "endless" | "unavailable"
  /** The aliases, then the addresses that are written: what is answered without choosing. */
  readonly records: ReadonlyArray<AnsweredRecord>
  /** The servers to which it is delegated. */
  readonly servers: ReadonlyArray<string>
  /** Names that may have been meant, when there is no such name. */
  readonly nearest: ReadonlyArray<string>
  /** All of it for people, a sentence each. */
  readonly lines: ReadonlyArray<string>
}

/** Records of an answer that are told of. */
const maxRecords = 16

/** The closest name that exists: its zone is the zone of the name, and its wildcard answers. */
const closest = (zones: ZoneData, key: NameKey): NameKey | undefined => {
  for (let at = key;; at = parentKey(at)) {
    if (zones.nodes.has(at)) return at
    if (at === "") return undefined
  }
}

const byWildcard = (zones: ZoneData, key: NameKey): string => {
  const above = closest(zones, key)
  return above === undefined || above === key ? "" : `, by the wildcard *.${nameText(above)}`
}

const textOf = (wire: Uint8Array): string => nameText(Buffer.from(wire.subarray(0, -1)).toString("latin1") as NameKey)

const recordsOf = (name: string, found: Found): ReadonlyArray<AnsweredRecord> =>
  found._tag !== "Answer" && found._tag !== "Alias" ? [] : found.set.data.slice(0, maxRecords).map((data) => ({
    name,
    type: typeName(found.set.type),
    ttl: found.set.ttl,
    data: recordText(found.set.type, data)
  }))

type End = Pick<ZoneAnswer, "rule" | "servers"> & { readonly sentence: string }

const noServers: ReadonlyArray<string> = []

const endOf = (zones: ZoneData, key: NameKey, zone: string, type: string, followed: Followed): End => {
  const { aliases, end } = followed
  const isAlias = aliases.length > 0
  const says = (rule: ZoneAnswer["rule"], sentence: string, servers = noServers): End => ({ rule, sentence, servers })
  switch (end?._tag) {
    case undefined:
      return says("endless", "the aliases lead in a circle, or on and on: they are answered, and no address")
    case "Steered":
      return says("members", `members are chosen for each client (zone ${zone})`)
    case "Referral": {
      const servers = end.servers.data.map((data) => recordText(RecordType.NS, data))
      return says(
        "delegated",
        `delegated to ${servers.slice(0, maxRecords).join(", ")} from ${
          textOf(end.cut)
        } on: their servers answer, this node does not`,
        servers
      )
    }
    case "NoData":
      return says("no-data", `the name exists, without a record of type ${type}: an empty answer (NODATA)`)
    case "NoName":
      return says("no-name", `there is no such name in the zone ${zone} (NXDOMAIN)`)
    case "Outside":
      return says(
        "outside",
        isAlias ? "in no zone of this node: whoever asks goes on from there" : "in no zone of this node (REFUSED)"
      )
    case "Answer":
    case "Explained":
    case "Fetched": {
      const records = recordsOf("", end)
      const more = end._tag === "Answer" ? end.set.data.length - records.length : 0
      const data = records.map((record) => `${record.type} ${record.data}`).join(", ")
      return says(
        "static",
        `${records.length === 1 ? "a static record answers" : "static records answer"}: ${data}${
          more > 0 ? ` and ${more} more` : ""
        } (TTL ${records[0]?.ttl ?? 0})${
          zones.nodes.get(key)?.steered === undefined ? "" : ", instead of the members that serve the name"
        }${byWildcard(zones, key)}`
      )
    }
  }
}

/**
 * What the zones say about the addresses of a name, and to which name its aliases lead. `text` and `key` are the name that is
 * asked for. It goes by the same look-up as the answers.
 */
export const zoneAnswer = (zones: ZoneData, text: string, key: NameKey, ipv6: boolean): ZoneAnswer => {
  const type = ipv6 ? RecordType.AAAA : RecordType.A
  const followed = followAliases(zones, key, type)
  const records: Array<AnsweredRecord> = []
  const lines: Array<string> = []
  let [name, at] = [text, key]
  for (const alias of followed.aliases) {
    records.push(...recordsOf(name, alias))
    lines.push(`${name} is an alias: CNAME ${alias.target.text} (TTL ${alias.set.ttl})${byWildcard(zones, at)}`)
    ;[name, at] = [alias.target.text, alias.target.key]
  }
  const isOurs = followed.end?._tag !== "Outside"
  const above = isOurs ? closest(zones, at) : undefined
  const zone = above === undefined ? "" : zones.nodes.get(above)!.zone.apex.text
  const { rule, sentence, servers } = endOf(zones, at, zone, typeName(type), followed)
  return {
    zone,
    name,
    rule,
    records: followed.end === undefined ? records : [...records, ...recordsOf(name, followed.end)],
    servers,
    nearest: [],
    lines: [...lines, `${name}: ${sentence}`]
  }
}
