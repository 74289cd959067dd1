import { styleText } from "node:util"
import type { Paint } from "./explanationText.ts"

/** Colours when standard output is a terminal that wants them (`NO_COLOR` and the like are honoured), else none. */
export const paint: Paint = {
  good: (text) => styleText("green", text),
  bad: (text) => styleText("red", text),
  dim: (text) => styleText("dim", text),
  bold: (text) => styleText("bold", text)
}
