import * as CliOutput from "effect/cli/CliOutput"
import { plain } from "./plain.ts"

/** One cell: its text, and how it is coloured. */
export interface Cell {
  readonly text: string
  readonly paint?: ((text: string) => string) | undefined
}

/** One column. */
export interface Column {
  readonly title: string
  readonly right?: boolean
  /** It is copied from the terminal, and never cut. */
  readonly whole?: boolean
}

const gap = "  "

/** No column is cut to less. */
const narrowest = 8

/** Cuts a text to so many columns of a terminal. */
export const cut = (text: string, width: number): string => {
  if (CliOutput.displayWidth(text) <= width) return text
  let shown = ""
  for (const letter of text) {
    if (CliOutput.displayWidth(shown + letter) > width - 1) break
    shown += letter
  }
  return `${shown}…`
}

const pad = (text: string, width: number, right: boolean): string => {
  const space = " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))
  return right ? space + text : text + space
}

/** How wide the columns are: as their widest cells, and when that is too wide, the widest column gives way first. */
const widths = (rows: ReadonlyArray<ReadonlyArray<string>>, columns: ReadonlyArray<Column>, room: number) => {
  const wide = columns.map(({ title }, i) =>
    Math.max(CliOutput.displayWidth(title), ...rows.map((row) => CliOutput.displayWidth(row[i] ?? "")))
  )
  const spare = () => room - wide.reduce((sum, width) => sum + width, 0) - gap.length * (wide.length - 1)
  const mayGive = columns.flatMap(({ whole }, i) => whole === true ? [] : [i])
  while (spare() < 0) {
    const widest = mayGive.toSorted((a, b) => wide[b]! - wide[a]!)[0]
    // With less nothing could be read any more: then the terminal may wrap.
    if (widest === undefined || wide[widest]! <= narrowest) break
    wide[widest]! -= 1
  }
  return wide
}

/** A table for a terminal of `room` columns, or as wide as it gets without. Control characters never get through. */
export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  options: { readonly room: number | undefined; readonly title: (text: string) => string }
): ReadonlyArray<string> => {
  const texts = rows.map((row) => row.map(({ text }) => plain(text)))
  const wide = widths(texts, columns, options.room ?? Number.POSITIVE_INFINITY)
  const line = (cells: ReadonlyArray<string>, paint: (text: string, i: number) => string) => {
    // Spaces at the end of a line would be painted, and copied.
    const last = cells.findLastIndex((text) => text !== "")
    return cells.slice(0, last + 1).map((text, i) => {
      const shown = cut(text, wide[i]!)
      return paint(
        i === last && columns[i]!.right !== true ? shown : pad(shown, wide[i]!, columns[i]!.right === true),
        i
      )
    }).join(gap)
  }
  return [
    line(columns.map(({ title }) => title), options.title),
    ...texts.map((cells, r) => line(cells, (text, i) => rows[r]![i]!.paint?.(text) ?? text))
  ]
}
