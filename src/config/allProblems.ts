import { documentKeys } from "../domain/documents/Local.ts"
import { crossCheck, type KnownDocuments } from "./crossCheck.ts"
import type { DocumentName, Problem } from "./Problem.ts"
import type { LocalReading, Readings } from "./readDocuments.ts"
import { hideFilledIn } from "./readLocalDocument.ts"

/** Every document, in the order in which people read about them. */
export const documentNames: ReadonlyArray<DocumentName> = ["local", ...documentKeys]

/** Everything there is to say about each document: what reading it gave, and what `known` says between them. */
export const allProblems = (
  readings: Readings & { readonly local: Pick<LocalReading, "problems" | "origins"> },
  known: KnownDocuments
): ReadonlyMap<DocumentName, ReadonlyArray<Problem>> => {
  const between = crossCheck(known).map((problem) => hideFilledIn(problem, readings.local.origins))
  return new Map(documentNames.map((name) => [
    name,
    [...readings[name].problems, ...between.filter((problem) => problem.document === name)]
  ]))
}
