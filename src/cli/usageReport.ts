import type { UsageTotal } from "../store/UsageStore.ts"

/** What totals may be added up by. */
export const groupings = ["day", "node", "domain", "member", "country", "asn", "family"] as const
export type Grouping = (typeof groupings)[number]

/** How many lines one report has at most; the hits of all further ones are one line, so that no sum is wrong. */
export const maxLines = 100_000

/** One line: what it is the sum of, in the order of the groupings, and the sum. */
export interface UsageLine {
  readonly keys: ReadonlyArray<string>
  readonly hits: number
}

const keyOf: Readonly<Record<Grouping, (total: UsageTotal) => string>> = {
  day: ({ day }) => day,
  node: ({ node }) => node,
  domain: ({ domain }) => domain,
  member: ({ member }) => member,
  country: ({ country, countryName }) => `${country} ${countryName}`,
  asn: ({ asn, network }) => asn === "" ? "(unknown)" : `${asn} ${network}`.trim(),
  family: ({ ipv6 }) => ipv6 ? "IPv6" : "IPv4"
}

/** Adds up totals as they come, by what is asked for. */
export class UsageReport {
  private readonly sums = new Map<string, UsageLine>()
  private others = 0
  readonly by: ReadonlyArray<Grouping>
  total = 0

  constructor(by: ReadonlyArray<Grouping>) {
    this.by = by
  }

  add(total: UsageTotal): void {
    this.total += total.hits
    const keys = this.by.map((grouping) => keyOf[grouping](total))
    const name = JSON.stringify(keys)
    const known = this.sums.get(name)
    if (known === undefined && this.sums.size >= maxLines) this.others += total.hits
    else this.sums.set(name, { keys, hits: (known?.hits ?? 0) + total.hits })
  }

  /** Days first to last, all else by hits, the most first. */
  lines(): ReadonlyArray<UsageLine> {
    const dayFirst = this.by[0] === "day"
    const lines = [...this.sums.values()].sort((a, b) =>
      dayFirst && a.keys[0] !== b.keys[0] ? (a.keys[0]! < b.keys[0]! ? -1 : 1) : b.hits - a.hits
    )
    return this.others === 0 ? lines : [...lines, { keys: this.by.map(() => "(others)"), hits: this.others }]
  }
}
