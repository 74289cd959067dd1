interface Node {
  readonly key: string
  at: number
  index: number
}

/** Keys in order of a time. Ties go by key, so that the order never depends on the history. Deterministic. */
export class DueHeap {
  readonly #nodes = new Map<string, Node>()
  readonly #heap: Array<Node> = []

  get size(): number {
    return this.#heap.length
  }

  /** The time of a key, or undefined when it is not in. */
  at(key: string): number | undefined {
    return this.#nodes.get(key)?.at
  }

  /** The earliest time, or undefined when empty. */
  first(): number | undefined {
    return this.#heap[0]?.at
  }

  /** The key with that time, or undefined when empty. */
  firstKey(): string | undefined {
    return this.#heap[0]?.key
  }

  /** Puts a key in, or moves it. */
  set(key: string, at: number): void {
    const there = this.#nodes.get(key)
    if (there === undefined) {
      const node: Node = { key, at, index: this.#heap.length }
      this.#nodes.set(key, node)
      this.#heap.push(node)
      this.#up(node)
      return
    }
    there.at = at
    this.#up(there)
    this.#down(there)
  }

  delete(key: string): void {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    this.#nodes.delete(key)
    const last = this.#heap.pop()!
    if (last === node) return
    last.index = node.index
    this.#heap[last.index] = last
    this.#up(last)
    this.#down(last)
  }

  /** Takes the first key out if its time is `now` or earlier. */
  take(now: number): string | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.at > now) return undefined
    this.delete(first.key)
    return first.key
  }

  #up(node: Node): void {
    while (node.index > 0) {
      const parent = this.#heap[(node.index - 1) >> 1]!
      if (!isBefore(node, parent)) return
      this.#swap(node, parent)
    }
  }

  #down(node: Node): void {
    while (true) {
      const left = this.#heap[2 * node.index + 1]
      const right = this.#heap[2 * node.index + 2]
      const child = right !== undefined && isBefore(right, left!) ? right : left
      if (child === undefined || !isBefore(child, node)) return
      this.#swap(child, node)
    }
  }

  #swap(a: Node, b: Node): void {
    const index = a.index
    a.index = b.index
    b.index = index
    this.#heap[a.index] = a
    this.#heap[b.index] = b
  }
}

const isBefore = (a: Node, b: Node): boolean => a.at < b.at || (a.at === b.at && a.key < b.key)
