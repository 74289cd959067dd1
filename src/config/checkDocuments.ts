import * as Effect from "effect/Effect"
import { allProblems } from "./allProblems.ts"
import type { Documents } from "./Documents.ts"
import { missingFiles } from "./missingFiles.ts"
import type { Problem } from "./Problem.ts"
import { type LocalOptions, readDocuments, valuesOf } from "./readDocuments.ts"
import { hideFilledIn } from "./readLocalDocument.ts"

/**
 * Reads a local document and the shared ones that it names, and gives everything that is wrong with any of them or with
 * the files that they name, errors and warnings, in the order of the documents. `uses`: what is not there for these parts
 * of the local document is an error, for others a warning.
 */
export const checkDocuments = Effect.fn("checkDocuments")(function*(
  path: string,
  options: Pick<LocalOptions, "uses"> = {}
): Effect.fn.Return<ReadonlyArray<Problem>, never, Documents> {
  const { local, shared } = yield* readDocuments({ ...options, path }, {}, {})
  const missing = local.value === undefined ? [] : yield* missingFiles(path, local.value)
  const own = [...local.problems, ...missing.map((problem) => hideFilledIn(problem, local.origins))]
  const readings = { ...shared, local: { ...local, problems: own } }
  return [...allProblems(readings, valuesOf(readings), { records: true }).values()].flat()
})
