interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** What is to happen, by time; what is due at the same time happens in the order in which it was put in. A binary heap. */
export class Agenda {
  readonly #heap: Array<Entry> = []
  #order = 0
  #now = 0

  /** Milliseconds since the start of the simulation. */
  get now(): number {
    return this.#now
  }

  /** Lets something happen at a time; what is over happens next. */
  at(time: number, run: () => void): void {
    const heap = this.#heap
    const entry = { at: Math.max(time, this.#now), order: this.#order++, run }
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = entry
  }

  after(delay: number, run: () => void): void {
    this.at(this.#now + delay, run)
  }

  /** Lets the next thing happen, unless it is later than `until`. */
  step(until: number): boolean {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > until) return false
    const last = heap.pop()!
    if (heap.length > 0) this.#sink(last)
    this.#now = first.at
    first.run()
    return true
  }

  #sink(entry: Entry): void {
    const heap = this.#heap
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, entry)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = entry
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)
