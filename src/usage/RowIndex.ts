import { cellsPerRow, type UsageTable } from "./UsageTable.ts"

const shardCount = 64

interface Shard {
  /** Row + 1 at the place of its hash or behind; 0 is free. The length is a power of two. */
  slots: Int32Array
  used: number
}

/**
 * Finds rows of a table by their cells. In shards, each of which grows for itself: growing one of a million rows at once
 * would hold up the event loop for longer than DNS can bear.
 */
export class RowIndex {
  readonly #table: UsageTable
  readonly #shards: ReadonlyArray<Shard> = Array.from(
    { length: shardCount },
    () => ({ slots: new Int32Array(16), used: 0 })
  )

  constructor(table: UsageTable) {
    this.#table = table
  }

  /** The row with these cells, or -1. */
  find(cells: Int32Array): number {
    const hash = hashOf(cells)
    const { slots } = this.#shards[hash >>> 26]!
    const mask = slots.length - 1
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const row = slots[at]! - 1
      if (row < 0 || this.#holds(row, cells)) return row
    }
  }

  /** Adds a row that is not there. */
  add(cells: Int32Array, row: number): void {
    const hash = hashOf(cells)
    const shard = this.#shards[hash >>> 26]!
    if (shard.used * 3 >= shard.slots.length * 2) this.#grow(shard)
    put(shard.slots, hash, row)
    shard.used += 1
  }

  #holds(row: number, cells: Int32Array): boolean {
    for (let i = 0; i < cellsPerRow; i++) if (this.#table.cell(row, i) !== cells[i]) return false
    return true
  }

  #grow(shard: Shard): void {
    const slots = new Int32Array(shard.slots.length * 2)
    const cells = new Int32Array(cellsPerRow)
    for (const slot of shard.slots) {
      if (slot === 0) continue
      for (let i = 0; i < cellsPerRow; i++) cells[i] = this.#table.cell(slot - 1, i)
      put(slots, hashOf(cells), slot - 1)
    }
    shard.slots = slots
  }
}

const put = (slots: Int32Array, hash: number, row: number): void => {
  const mask = slots.length - 1
  let at = hash & mask
  while (slots[at] !== 0) at = (at + 1) & mask
  slots[at] = row + 1
}

/** Text ids are small and dense: what matters is that every bit of each reaches all bits. */
const hashOf = (cells: Int32Array): number => {
  let hash = 0x9e3779b9
  for (let i = 0; i < cellsPerRow; i++) {
    hash = Math.imul(hash ^ cells[i]!, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
