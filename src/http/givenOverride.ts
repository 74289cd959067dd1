import type { Catalog } from "../domain/Catalog.ts"
import { holdsAt, type Override } from "../domain/Override.ts"
import { overriddenNames } from "../status/overriddenNames.ts"
import type { GivenOverride } from "./OverrideDocument.ts"
import { rfc3339 } from "./rfc3339.ts"
import { nameText, overrideStatus } from "./shown.ts"

/** So many emptied names are named. */
export const maxEmptied = 100

/** What is known where an override was given. `now` in milliseconds since the epoch. */
export interface GivenContext {
  /** All overrides, with or without the new one. */
  readonly all: ReadonlyArray<Override>
  readonly catalog: Catalog
  readonly connected: boolean
  readonly now: number
}

/** An override that was just given, and what follows from it: for a planned one, as things will be when it begins. */
export const givenOverride = (
  given: Override,
  { all, catalog, connected, now }: GivenContext
): GivenOverride => {
  const begins = Math.max(given.from, now)
  const entry = catalog.member(given.member)
  const isSame = ({ member }: Override) =>
    member === given.member || (entry !== undefined && catalog.member(member) === entry)
  const others = all.filter((it) => it.id !== given.id && !isSame(it) && holdsAt(it, begins))
  const earlier = all.filter((it) => it.id !== given.id && isSame(it) && holdsAt(it, now))
  const emptied = overriddenNames(catalog, new Map([...others, given].map((it) => [it.member, it])))
    .filter(({ by }) => by.includes(given))
  return {
    ...overrideStatus(given, now),
    emptied: {
      total: emptied.length,
      items: emptied.slice(0, maxEmptied).map(({ family, name }) => ({
        name: nameText(name),
        ...family !== undefined && { family }
      }))
    },
    ...earlier.length > 0 && { alreadySince: rfc3339(Math.min(...earlier.map(({ from }) => from))) },
    connected
  }
}
