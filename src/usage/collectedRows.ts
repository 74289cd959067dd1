import type { UsageRecord } from "../domain/wire/Usage.ts"
import { type UsageRow, usageWidths } from "../store/UsageStore.ts"
import { countedText } from "./countedText.ts"

/** A period, both days inclusive. */
export interface Period {
  readonly startDate: string
  readonly endDate: string
}

/** What a node's id becomes in the store: cut, so that a writer fits behind it. */
export const storedNode = (id: string): string => countedText(id, usageWidths.nodeId - 25)

const keyOf = ({ hits: _, ...key }: UsageRow): string => JSON.stringify(Object.values(key))

/**
 * The rows of the records that a node gave, cleaned as our own are: v2 cleans nothing. Records that are one key after that
 * are added up, since the store would keep only the greatest. Those of other days than asked for are left out.
 *
 * With a writer they are of the node that they name: after a new id, or with a copied work directory, that is not who answers.
 */
export const collectedRows = (
  node: string,
  writer: string,
  period: Period,
  records: ReadonlyArray<UsageRecord>
): ReadonlyArray<UsageRow> => {
  const rows = new Map<string, UsageRow>()
  for (const record of records) {
    if (record.date < period.startDate || record.date > period.endDate) continue
    const row: UsageRow = {
      day: record.date,
      node: writer === "" || record.nodeid === "" ? node : storedNode(record.nodeid),
      writer,
      domain: countedText(record.domain.toLowerCase(), usageWidths.domain),
      member: countedText(record.memberName, usageWidths.member) || "(none)",
      asn: countedText(record.asn, usageWidths.asn),
      network: countedText(record.networkName, usageWidths.network),
      country: countedText(record.countryCode, usageWidths.country) || "??",
      countryName: countedText(record.countryName, usageWidths.countryName) || "Unknown",
      ipv6: record.isIPv6,
      hits: record.hits
    }
    const key = keyOf(row)
    rows.set(key, { ...row, hits: row.hits + (rows.get(key)?.hits ?? 0) })
  }
  return [...rows.values()]
}
