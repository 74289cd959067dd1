import * as Effect from "effect/Effect"
import { allProblems } from "./allProblems.ts"
import type { Documents } from "./Documents.ts"
import { missingFiles } from "./missingFiles.ts"
import type { Problem } from "./Problem.ts"
import { readDocuments, valuesOf } from "./readDocuments.ts"
import { hideFilledIn } from "./readLocalDocument.ts"

/**
 * Reads a local document and the shared ones that it names, and gives everything that is wrong with any of them or with
 * the files that they name, errors and warnings, in the order of the documents.
 */
export const checkDocuments = Effect.fn("checkDocuments")(function*(
  path: string
): Effect.fn.Return<ReadonlyArray<Problem>, never, Documents> {
  const { local, shared } = yield* readDocuments({ path }, {}, {})
  const missing = local.value === undefined ? [] : yield* missingFiles(path, local.value)
  const own = [...local.problems, ...missing.map((problem) => hideFilledIn(problem, local.origins))]
  const readings = { ...shared, local: { ...local, problems: own } }
  return [...allProblems(readings, valuesOf(readings)).values()].flat()
})
