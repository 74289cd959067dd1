/** What is counted: everything of a total but day, node and writer. */
export interface UsageKey {
  readonly domain: string
  readonly member: string
  readonly asn: string
  readonly network: string
  readonly country: string
  readonly countryName: string
  readonly ipv6: boolean
}

/** Numbers of one row's key: five text ids, and that of the country name doubled, plus one for IPv6. */
export const cellsPerRow = 6

const chunkRows = 4096

interface Chunk {
  readonly cells: Int32Array
  readonly hits: Float64Array
  readonly written: Float64Array
  readonly generation: Uint32Array
}

/**
 * The totals of one writer and day, as rows that are only ever added, in some 50 bytes each beside their texts: a million
 * fit beside everything else. Rows are in chunks, so that growing never copies.
 *
 * A row has its hits, the hits that are in the journal, and the generation of the write that brought them there: what has a
 * later generation than `acknowledged` is still to be stored.
 */
export class UsageTable {
  readonly day: string
  readonly writer: string
  readonly texts: Array<string> = []
  /** The node that counted, as its journal says: not this one when that was renamed, or its work directory is a copy. */
  node: string | undefined
  /** The last generation of which everything is stored elsewhere. */
  acknowledged = 0
  /** The last write that is over: no row comes into it any more. */
  generation = 0
  /** The journal cannot be written: totals are what they are in memory, for there is no better place. */
  isAdrift = false
  readonly #chunks: Array<Chunk> = []
  #rows = 0

  constructor(day: string, writer: string) {
    this.day = day
    this.writer = writer
  }

  get rows(): number {
    return this.#rows
  }

  /** Adds a row without hits. `cells` are its text ids. */
  addRow(cells: ArrayLike<number>, from = 0): number {
    const row = this.#rows++
    const at = row % chunkRows
    if (at === 0) {
      this.#chunks.push({
        cells: new Int32Array(chunkRows * cellsPerRow),
        hits: new Float64Array(chunkRows),
        written: new Float64Array(chunkRows),
        generation: new Uint32Array(chunkRows)
      })
    }
    const own = this.#chunkOf(row).cells
    for (let i = 0; i < cellsPerRow; i++) own[at * cellsPerRow + i] = cells[from + i]!
    return row
  }

  cell(row: number, cell: number): number {
    return this.#chunkOf(row).cells[(row % chunkRows) * cellsPerRow + cell]!
  }

  hits(row: number): number {
    return this.#chunkOf(row).hits[row % chunkRows]!
  }

  hit(row: number): void {
    this.#chunkOf(row).hits[row % chunkRows]! += 1
  }

  /** These hits are in the journal now. */
  setWritten(row: number, hits: number, generation: number): void {
    const chunk = this.#chunkOf(row)
    chunk.written[row % chunkRows] = hits
    chunk.generation[row % chunkRows] = generation
    if (chunk.hits[row % chunkRows]! < hits) chunk.hits[row % chunkRows] = hits
  }

  /** The hits in the journal. */
  written(row: number): number {
    return this.#chunkOf(row).written[row % chunkRows]!
  }

  /** Whether the journal got these hits after one generation and not after another. */
  isWrittenIn(row: number, after: number, until: number): boolean {
    const generation = this.#chunkOf(row).generation[row % chunkRows]!
    return generation > after && generation <= until
  }

  /** What may be told and stored: the hits in the journal, which kill -9 does not take back. */
  safeHits(row: number): number {
    return this.isAdrift ? this.hits(row) : this.#chunkOf(row).written[row % chunkRows]!
  }

  /** It is not yet stored elsewhere as it is in the journal. */
  isWaiting(row: number): boolean {
    const chunk = this.#chunkOf(row)
    const at = row % chunkRows
    return chunk.generation[at]! > this.acknowledged || this.isAdrift && chunk.hits[at]! > chunk.written[at]!
  }

  key(row: number): UsageKey {
    const { cells } = this.#chunkOf(row)
    const at = (row % chunkRows) * cellsPerRow
    const text = (id: number) => this.texts[id]!
    return {
      domain: text(cells[at]!),
      member: text(cells[at + 1]!),
      asn: text(cells[at + 2]!),
      network: text(cells[at + 3]!),
      country: text(cells[at + 4]!),
      countryName: text(cells[at + 5]! >> 1),
      ipv6: (cells[at + 5]! & 1) === 1
    }
  }

  #chunkOf(row: number): Chunk {
    return this.#chunks[(row / chunkRows) | 0]!
  }
}
