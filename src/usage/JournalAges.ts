const dayMillis = 86_400_000
/** A journal is over 35 days after the end of its day, and was there from that day on. Milliseconds of running. */
const lifetime = 36 * dayMillis
/** What one look counts at most: they come every hour or more often, so what is longer was not lived through. */
const longest = dayMillis
/** Journals of one record. */
const perRecord = 500

/**
 * How long the node has been running since each journal came, over its restarts: the pure core of removing old journals. No
 * wall clock has a say, so none that is wrong can remove anything; a node that is off does not age its journals.
 */
export class JournalAges {
  #ages = new Map<string, number>()

  /** Takes back what `toRecords` gave; what is none of it is left out, and those journals are young again. */
  read(record: string): void {
    let value: unknown
    try {
      value = JSON.parse(record)
    } catch {
      return
    }
    if (typeof value !== "object" || value === null) return
    for (const [name, age] of Object.entries(value)) {
      if (typeof age === "number" && age >= 0) this.#ages.set(name, age)
    }
  }

  toRecords(): ReadonlyArray<string> {
    const all = [...this.#ages]
    return Array.from(
      { length: Math.ceil(all.length / perRecord) },
      (_, i) => JSON.stringify(Object.fromEntries(all.slice(i * perRecord, (i + 1) * perRecord)))
    )
  }

  /** These journals are there, and the node ran for so many milliseconds since it looked last. Others are forgotten. */
  pass(names: ReadonlyArray<string>, ran: number): void {
    const counted = Math.min(Math.max(0, Math.round(ran)), longest)
    this.#ages = new Map(names.map((name) => {
      const age = this.#ages.get(name)
      return [name, age === undefined ? 0 : age + counted]
    }))
  }

  isOver(name: string): boolean {
    return (this.#ages.get(name) ?? 0) >= lifetime
  }
}
