import { documentKeys } from "../domain/documents/Local.ts"
import { crossCheck, type CrossCheckOptions, type KnownDocuments } from "./crossCheck.ts"
import type { DocumentName, Problem } from "./Problem.ts"
import type { LocalReading, Readings } from "./readDocuments.ts"
import { hideFilledIn } from "./readLocalDocument.ts"

/** Every document, in the order in which people read about them. */
export const documentNames: ReadonlyArray<DocumentName> = ["local", ...documentKeys]

/** Everything there is to say about each document: what reading it gave, and what `known` says between them. */
export const allProblems = (
  readings: Readings & { readonly local: Pick<LocalReading, "problems" | "origins"> },
  known: KnownDocuments,
  options: CrossCheckOptions = {}
): ReadonlyMap<DocumentName, ReadonlyArray<Problem>> => {
  const between = crossCheck(known, options).map((problem) => hideFilledIn(problem, readings.local.origins))
  return new Map(documentNames.map((name) => {
    const { problems } = readings[name]
    // A value that could not be had is missing to whoever compares, too.
    const said = new Set(problems.map(({ path }) => path))
    return [name, [...problems, ...between.filter(({ document, path }) => document === name && !said.has(path))]]
  }))
}
