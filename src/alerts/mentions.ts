import type { Catalog } from "../domain/Catalog.ts"
import type { AlertRouting } from "../domain/documents/AlertRouting.ts"

/** People in one message. */
const maxCalled = 50

/** The id of a person: `@name:server`. */
const isUserId = (id: string): boolean => /^@[^\s:]{1,200}:[^\s]{1,200}$/.test(id)

/**
 * Who is called for these members: what the alerts document has under the key or the name of each, in any case; each person
 * once, in the order of the document.
 */
export const mentionsOf = (
  routing: AlertRouting,
  catalog: Catalog,
  members: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const wanted = new Set(members.flatMap((member) => {
    const entry = catalog.member(member)
    return [member, ...entry === undefined ? [] : [entry.key, entry.name]].map((name) => name.toLowerCase())
  }))
  const found = Object.entries(routing.matrix.members).flatMap(([name, ids]) =>
    wanted.has(name.toLowerCase()) ? ids : []
  )
  return [...new Set(found.filter(isUserId))].slice(0, maxCalled)
}
