import * as Effect from "effect/Effect"
import { allProblems } from "./allProblems.ts"
import type { Documents } from "./Documents.ts"
import type { Problem } from "./Problem.ts"
import { readDocuments, valuesOf } from "./readDocuments.ts"

/**
 * Reads a local document and the shared ones that it names, and gives everything that is wrong with any of them, errors
 * and warnings, in the order of the documents.
 */
export const checkDocuments = Effect.fn("checkDocuments")(function*(
  path: string
): Effect.fn.Return<ReadonlyArray<Problem>, never, Documents> {
  const { local, shared } = yield* readDocuments(path, {}, undefined)
  const readings = { ...shared, local }
  return [...allProblems(readings, valuesOf(readings)).values()].flat()
})
