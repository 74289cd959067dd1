import { compareStored, unpadded } from "./StoredText.ts"

/** A total of one writer (one process start of one node) for one UTC day and key. No part of the key is ever null. */
export interface UsageRow {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly node: string
  /** Random per process start, without `~`; `""` when the node gives none. */
  readonly writer: string
  readonly domain: string
  /** `(none)` when no member was answered. */
  readonly member: string
  /** As `AS13335`, or `""`. */
  readonly asn: string
  readonly network: string
  /** `??` when unknown. */
  readonly country: string
  readonly countryName: string
  readonly ipv6: boolean
  readonly hits: number
}

/** The same summed over writers. */
export type UsageTotal = Omit<UsageRow, "writer">

/**
 * How many characters the columns hold. Together with the other columns of the key they make 3,072 bytes in utf8mb4, all
 * that InnoDB takes for a key. `nodeId` is the node, a `~` and the writer.
 */
export const usageWidths = {
  nodeId: 160,
  domain: 253,
  member: 128,
  asn: 32,
  network: 128,
  country: 2,
  countryName: 64
} as const

/** Node and writer in one column, as older tools expect one node id. A writer never holds `~`, so it can be taken apart. */
export const nodeIdOf = (node: string, writer: string): string =>
  writer === "" && !node.includes("~") ? node : `${node}~${writer}`

/** The node of a node id. */
export const nodeOf = (nodeId: string): string => {
  const at = nodeId.lastIndexOf("~")
  return at < 0 ? nodeId : nodeId.slice(0, at)
}

const controlCharacter = /\p{Cc}/u

const textProblem = (name: string, text: string, width: number): string | undefined =>
  text.length > width
    ? `${name} has ${text.length} characters, the column holds ${width}`
    : controlCharacter.test(text) || !text.isWellFormed()
    ? `${name} ${JSON.stringify(text)} holds characters that are not text`
    : undefined

/** Why a row cannot be stored, if it cannot. Counters cut and clean what they count, so theirs always can. */
export const usageProblem = (row: UsageRow): string | undefined =>
  (/^\d{4}-\d{2}-\d{2}$/.test(row.day) ? undefined : `day ${JSON.stringify(row.day)} is not YYYY-MM-DD`) ??
    (row.writer.includes("~") ? `writer ${JSON.stringify(row.writer)} holds a ~` : undefined) ??
    (Number.isSafeInteger(row.hits) && row.hits >= 0 ? undefined : `hits ${row.hits} is no count`) ??
    textProblem("node~writer", nodeIdOf(row.node, row.writer), usageWidths.nodeId) ??
    textProblem("domain", row.domain, usageWidths.domain) ??
    textProblem("member", row.member, usageWidths.member) ??
    textProblem("asn", row.asn, usageWidths.asn) ??
    textProblem("network", row.network, usageWidths.network) ??
    textProblem("country", row.country, usageWidths.country) ??
    textProblem("country name", row.countryName, usageWidths.countryName)

/** A row of `requests`. */
export interface StoredUsage {
  readonly date: string
  readonly node_id: string
  readonly domain_name: string
  readonly member_name: string
  readonly network_asn: string
  readonly network_name: string
  readonly country_code: string
  readonly country_name: string
  readonly is_ipv6: number
  readonly hits: number
}

/** The row of `requests` for a total. */
export const encodeUsage = (row: UsageRow): StoredUsage => ({
  date: row.day,
  node_id: unpadded(nodeIdOf(row.node, row.writer)),
  domain_name: unpadded(row.domain),
  member_name: unpadded(row.member),
  network_asn: unpadded(row.asn),
  network_name: unpadded(row.network),
  country_code: unpadded(row.country),
  country_name: unpadded(row.countryName),
  is_ipv6: row.ipv6 ? 1 : 0,
  hits: row.hits
})

const compareCounted = (a: StoredUsage, b: StoredUsage): number =>
  compareStored(a.date, b.date) ||
  compareStored(a.domain_name, b.domain_name) ||
  compareStored(a.member_name, b.member_name) ||
  compareStored(a.network_asn, b.network_asn) ||
  compareStored(a.network_name, b.network_name) ||
  compareStored(a.country_code, b.country_code) ||
  compareStored(a.country_name, b.country_name) ||
  a.is_ipv6 - b.is_ipv6

/** The order of the primary key: what is counted first, then who counted it. */
export const compareUsage = (a: StoredUsage, b: StoredUsage): number =>
  compareCounted(a, b) || compareStored(a.node_id, b.node_id)

/**
 * Sums rows over writers as they come in the order of {@link compareUsage}: nothing but the key at hand is held. `push`
 * gives the totals of the key before when a new one begins, `end` those of the last.
 */
export class WriterSum {
  private row: StoredUsage | undefined
  private readonly nodes = new Map<string, number>()

  push(row: StoredUsage): ReadonlyArray<UsageTotal> {
    const done = this.row !== undefined && compareCounted(this.row, row) !== 0 ? this.end() : []
    this.row = row
    const node = nodeOf(row.node_id)
    this.nodes.set(node, (this.nodes.get(node) ?? 0) + row.hits)
    return done
  }

  end(): ReadonlyArray<UsageTotal> {
    const { row } = this
    if (row === undefined) return []
    const totals = [...this.nodes].sort(([a], [b]) => compareStored(a, b)).map(([node, hits]): UsageTotal => ({
      day: row.date,
      node,
      domain: row.domain_name,
      member: row.member_name,
      asn: row.network_asn,
      network: row.network_name,
      country: row.country_code,
      countryName: row.country_name,
      ipv6: row.is_ipv6 !== 0,
      hits
    }))
    this.row = undefined
    this.nodes.clear()
    return totals
  }
}
