import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { findSyntaxProblem, lineAndColumn } from "./jsonSyntax.ts"
import { formatFound, formatPath } from "./Problem.ts"
import { inspect, issuesOf } from "./schemaTree.ts"

/** Reads JSON, or tells where it is none. Nothing of the text is repeated: it may be a file that was named by mistake. */
export const parseOrTell = (text: string): Result.Result<unknown, string> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: () => {
      const { expected, offset } = findSyntaxProblem(text) ?? { offset: 0, expected: "a JSON document" }
      const { column, line } = lineAndColumn(text, offset)
      return `it is no JSON: line ${line}, column ${column}: expected ${expected}`
    }
  })

/** Decodes a value of a file that is no document of ours, or tells the first that is wrong with it, and where. */
export const decodeOrTell = <A>(schema: Schema.ConstraintDecoder<A>, value: unknown): Result.Result<A, string> =>
  Result.mapError(Schema.decodeUnknownResult(schema)(value), ({ issue }) => {
    const [misfit] = inspect(schema, value, false, 1).filter(({ kind }) => kind !== "unknown key")
    if (misfit !== undefined) {
      return at(misfit.path, `expected ${misfit.expected.join(" or ")}, found ${formatFound(misfit.value)}`)
    }
    const [first] = issuesOf(issue)
    return first === undefined ? "expected something else" : at(first.path, `expected ${first.wanted}`)
  })

const at = (path: ReadonlyArray<PropertyKey>, what: string): string =>
  path.length === 0 ? what : `${formatPath(path)}: ${what}`
