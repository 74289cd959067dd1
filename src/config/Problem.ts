import * as Schema from "effect/Schema"
import { clip } from "../domain/clip.ts"
import { documentKeys } from "../domain/documents/Local.ts"

/** The local document, or one of the six shared ones by the key that names its URL. */
export const DocumentName = Schema.Literals(["local", ...documentKeys])
export type DocumentName = typeof DocumentName.Type

/** Something in a document that is wrong, or that is probably not meant. It never holds a secret. */
export const Problem = Schema.Struct({
  /** With an error the document is refused; a warning changes nothing. */
  severity: Schema.Literals(["error", "warning"]),
  document: DocumentName,
  /** Where, e.g. `Potomac.Location.Latitude` or `line 3, column 14`; `""` for the document as a whole. */
  path: Schema.String,
  expected: Schema.String,
  /** What stands there, shortened. */
  found: Schema.String,
  /** What to do about it. */
  hint: Schema.optionalKey(Schema.String)
})
export type Problem = typeof Problem.Type

/** One line for people: `MembersConfig: Potomac.Location.Latitude: expected a value between -90 and 90, found 95`. */
export const describeProblem = (problem: Problem): string =>
  [
    problem.document,
    ...(problem.path === "" ? [] : [problem.path]),
    `expected ${problem.expected}, found ${problem.found}${problem.hint === undefined ? "" : ` (${problem.hint})`}`
  ].join(": ")

/** Whether a problem refuses the document. */
export const isError = (problem: Problem): boolean => problem.severity === "error"

/** Whether a document with these problems is refused. */
export const hasErrors = (problems: ReadonlyArray<Problem>): boolean => problems.some(isError)

/** The first few problems in one line, with how many more there are. */
export const summarise = (problems: ReadonlyArray<Problem>, shown: number): string =>
  [
    ...problems.slice(0, shown).map(describeProblem),
    ...(problems.length > shown ? [`and ${problems.length - shown} more`] : [])
  ].join("; ")

/** How many problems of one document are kept. */
export const maxProblems = 1_000

/** A path for people: `Checks[0].Name`, `["North America"].cores`. Long keys are shortened, odd ones quoted. */
export const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`
    const key = clip(String(part), 80)
    if (!/^[\w-]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === "" ? key : `${text}.${key}`
  }, "")

/** A value as it stands in a document, for people: short, and without what a list or an object holds. */
export const formatFound = (value: unknown): string => {
  if (value === undefined) return "nothing"
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  if (typeof value === "object" && value !== null) return "an object"
  return typeof value === "string" ? JSON.stringify(clip(value, 80)) : String(value)
}

/** What stands for the value where a secret belongs. */
export const hiddenValue = "a value that is not shown, as a secret belongs there"
