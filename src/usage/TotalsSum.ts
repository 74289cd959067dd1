import type { UsageTotal } from "../store/UsageStore.ts"
import type { UsageKey } from "./UsageTable.ts"

const idOf = (day: string, key: UsageKey): string =>
  `${day}\n${key.domain}\n${key.member}\n${key.asn}\n${key.network}\n${key.country}\n${key.countryName}\n${key.ipv6}`

/** Sums the totals of several writers per day and key. */
export class TotalsSum {
  readonly #sums = new Map<string, { readonly day: string; readonly key: UsageKey; hits: number }>()

  /** How many totals there are. */
  get size(): number {
    return this.#sums.size
  }

  add(day: string, key: UsageKey, hits: number): void {
    // None of the texts holds a control character, so they can be joined with one.
    const id = idOf(day, key)
    const sum = this.#sums.get(id)
    if (sum === undefined) this.#sums.set(id, { day, key, hits })
    else sum.hits += hits
  }

  /** The sum for a day and key; 0 when there is none. */
  hitsOf(day: string, key: UsageKey): number {
    return this.#sums.get(idOf(day, key))?.hits ?? 0
  }

  totals(node: string): ReadonlyArray<UsageTotal> {
    return [...this.#sums.values()].map(({ day, hits, key }) => ({ day, node, ...key, hits }))
  }
}
