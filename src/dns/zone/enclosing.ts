import { type NameKey, parentKey } from "../DomainName.ts"

/** Of a name or those above it, the nearest that is in the map. */
export const enclosing = <A>(names: ReadonlyMap<NameKey, A>, key: NameKey): A | undefined => {
  for (let at = key; at !== ""; at = parentKey(at)) {
    const found = names.get(at)
    if (found !== undefined) return found
  }
  return undefined
}
