import { cellsPerRow, UsageTable } from "./UsageTable.ts"

/** What a journal begins with: whose totals these are. */
export interface JournalHeader {
  readonly node: string
  readonly writer: string
  readonly day: string
}

/** Texts, rows and changes of one record: few enough that none of them takes long to write or read. */
export const recordTexts = 2_000
export const recordRows = 1_000
export const recordChanges = 2_000

/** The first record of a journal. */
export const headerRecord = (header: JournalHeader): string => JSON.stringify({ usage: 1, ...header })

/** Texts from one id on, up to another. */
export const textsRecord = (table: UsageTable, from: number, end: number): string =>
  JSON.stringify({ t0: from, t: table.texts.slice(from, end) })

/** Rows from one on, up to another, as the ids of their texts. */
export const rowsRecord = (table: UsageTable, from: number, end: number): string => {
  const cells: Array<number> = []
  for (let row = from; row < end; row++) for (let i = 0; i < cellsPerRow; i++) cells.push(table.cell(row, i))
  return JSON.stringify({ r0: from, r: cells })
}

/** Totals as they stand: row, hits, row, hits … They replace what was before, and are of one generation. */
export const changesRecord = (generation: number, changes: ReadonlyArray<number>): string =>
  JSON.stringify({ g: generation, c: changes })

/** All that is up to a generation is stored elsewhere. */
export const acknowledgedRecord = (generation: number): string => JSON.stringify({ a: generation })

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

const isCounts = (value: unknown): value is ReadonlyArray<number> => Array.isArray(value) && value.every(isCount)

/** Rows and texts of a journal at most: what asks for more memory than that was not written by us. */
const maxEntries = 4_000_000

/**
 * Makes a table again of the records of a journal. Total: what is no record of ours, or refers to something that was in a
 * damaged record, is left out and counted.
 */
export class JournalReader {
  /** Whose journal it is; undefined when its first record is damaged. */
  header: JournalHeader | undefined
  /** Totals and rows that could not be understood. */
  lost = 0
  readonly table: UsageTable
  /** Row of the journal → row of the table. They differ behind a gap. */
  readonly #rows: Array<number> = []
  readonly #texts: Array<number> = []
  readonly #cells = new Int32Array(cellsPerRow)

  /** `day` and `writer` as the name of the journal says. */
  constructor(day: string, writer: string) {
    this.table = new UsageTable(day, writer)
  }

  /** Nothing was read yet. */
  get isEmpty(): boolean {
    return this.header === undefined && this.table.rows === 0
  }

  push(record: string): void {
    let value: any
    try {
      value = JSON.parse(record)
    } catch {
      value = undefined
    }
    if (typeof value !== "object" || value === null) this.lost += 1
    else if (value.usage === 1 && typeof value.node === "string") {
      this.header = { node: value.node, writer: this.table.writer, day: this.table.day }
      this.table.node = value.node
    } else if (isCount(value.t0) && Array.isArray(value.t)) this.#addTexts(value.t0, value.t)
    else if (isCount(value.r0) && isCounts(value.r)) this.#addRows(value.r0, value.r)
    else if (isCount(value.g) && isCounts(value.c)) this.#change(value.g, value.c)
    else if (isCount(value.a)) this.table.acknowledged = Math.max(this.table.acknowledged, value.a)
    else this.lost += 1
  }

  #addTexts(from: number, texts: ReadonlyArray<unknown>): void {
    if (from + texts.length > maxEntries) return void (this.lost += 1)
    texts.forEach((text, i) => {
      // A journal that was opened again repeats what may be in it already.
      if (typeof text === "string" && this.#texts[from + i] === undefined) {
        this.#texts[from + i] = this.table.texts.push(text) - 1
      }
    })
  }

  #addRows(from: number, cells: ReadonlyArray<number>): void {
    const count = Math.floor(cells.length / cellsPerRow)
    if (from + count > maxEntries) return void (this.lost += 1)
    for (let row = 0; row < count; row++) {
      if (this.#rows[from + row] !== undefined) continue
      const known = this.#cells.every((_, i) => {
        const cell = cells[row * cellsPerRow + i]!
        const text = this.#texts[i === 5 ? cell >> 1 : cell]
        if (text !== undefined) this.#cells[i] = i === 5 ? text * 2 + (cell & 1) : text
        return text !== undefined
      })
      if (known) this.#rows[from + row] = this.table.addRow(this.#cells)
      else this.lost += 1
    }
  }

  #change(generation: number, changes: ReadonlyArray<number>): void {
    this.table.generation = Math.max(this.table.generation, generation)
    for (let i = 0; i + 1 < changes.length; i += 2) {
      const row = this.#rows[changes[i]!]
      if (row === undefined) this.lost += 1
      else this.table.setWritten(row, changes[i + 1]!, generation)
    }
  }
}
