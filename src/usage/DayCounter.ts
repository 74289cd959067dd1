import type { TextCache } from "./countedText.ts"
import { RowIndex } from "./RowIndex.ts"
import { cellsPerRow, type UsageKey, UsageTable } from "./UsageTable.ts"

/** How the texts of each part of a key become what is counted, in the order of a row's cells. */
export type Cleaners = readonly [TextCache, TextCache, TextCache, TextCache, TextCache, TextCache]

/**
 * Counts the answers of one day under one writer, and remembers which totals have changed since they were taken for the
 * journal.
 */
export class DayCounter {
  readonly table: UsageTable
  readonly #cleaners: Cleaners
  /** Per part of the key: what is counted → its text id. Cleaning again what is clean changes nothing. */
  readonly #ids: ReadonlyArray<Map<string, number>> = Array.from({ length: cellsPerRow }, () => new Map())
  readonly #index: RowIndex
  readonly #cells = new Int32Array(cellsPerRow)
  #changed: Array<number> = []
  #isListed = new Uint8Array(1024)

  constructor(day: string, writer: string, cleaners: Cleaners) {
    this.table = new UsageTable(day, writer)
    this.#cleaners = cleaners
    this.#index = new RowIndex(this.table)
  }

  /** How many totals have changed and were not taken since. */
  get changed(): number {
    return this.#changed.length
  }

  /** Counts one more, if the key is there. */
  count(key: UsageKey): boolean {
    const cells = this.#cells
    if (
      !this.#fill(0, key.domain) || !this.#fill(1, key.member) || !this.#fill(2, key.asn)
      || !this.#fill(3, key.network) || !this.#fill(4, key.country) || !this.#fill(5, key.countryName)
    ) return false
    cells[5] = cells[5]! * 2 + (key.ipv6 ? 1 : 0)
    const row = this.#index.find(cells)
    if (row < 0) return false
    this.#hit(row)
    return true
  }

  /** Adds a key that is not there, and counts one. */
  add(key: UsageKey): void {
    const cells = this.#cells
    const parts = [key.domain, key.member, key.asn, key.network, key.country, key.countryName]
    for (let i = 0; i < cellsPerRow; i++) cells[i] = this.#intern(i, parts[i]!)
    cells[5] = cells[5]! * 2 + (key.ipv6 ? 1 : 0)
    const row = this.table.addRow(cells)
    this.#index.add(cells, row)
    this.#hit(row)
  }

  /** Takes at most `max` rows that have changed, in the order in which they did. */
  take(max: number): ReadonlyArray<number> {
    // From the front when it is everything, as nearly always: `splice` would move the rest.
    const taken = this.#changed.length <= max ? this.#changed : this.#changed.slice(0, max)
    this.#changed = this.#changed.length <= max ? [] : this.#changed.slice(max)
    for (const row of taken) this.#isListed[row] = 0
    return taken
  }

  /** Lets rows wait again that were taken and could not be written. */
  putBack(rows: ReadonlyArray<number>): void {
    for (const row of rows) this.#list(row)
  }

  #fill(part: number, text: string): boolean {
    const ids = this.#ids[part]!
    const id = ids.get(text) ?? ids.get(this.#cleaners[part]!.get(text))
    if (id === undefined) return false
    this.#cells[part] = id
    return true
  }

  #intern(part: number, text: string): number {
    const clean = this.#cleaners[part]!.get(text)
    const ids = this.#ids[part]!
    const known = ids.get(clean)
    if (known !== undefined) return known
    const id = this.table.texts.push(clean) - 1
    ids.set(clean, id)
    return id
  }

  #hit(row: number): void {
    this.table.hit(row)
    this.#list(row)
  }

  #list(row: number): void {
    if (row >= this.#isListed.length) {
      const longer = new Uint8Array(this.#isListed.length * 2)
      longer.set(this.#isListed)
      this.#isListed = longer
    }
    if (this.#isListed[row] === 1) return
    this.#isListed[row] = 1
    this.#changed.push(row)
  }
}
