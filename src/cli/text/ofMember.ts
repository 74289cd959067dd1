import type { StatusDocument } from "../../http/StatusDocument.ts"

/** A status document with one member only, by its name or key, whatever the case; undefined when there is none. */
export const ofMember = (status: StatusDocument, member: string): StatusDocument | undefined => {
  const wanted = member.toLowerCase()
  const found = status.members.items.filter(({ key, name }) =>
    name.toLowerCase() === wanted || key.toLowerCase() === wanted
  )
  if (found.length === 0) return undefined
  const names = new Set(found.map(({ name }) => name))
  const only = <A>(items: ReadonlyArray<A>, name: (item: A) => string) => {
    const mine = items.filter((item) => names.has(name(item)))
    return { total: mine.length, items: mine }
  }
  const { held, outages, shadow } = status
  return {
    ...status,
    targets: {
      up: found.reduce((sum, { up }) => sum + up, 0),
      down: found.reduce((sum, { down }) => sum + down, 0)
    },
    members: { total: found.length, items: found },
    proposals: only(status.proposals.items, ({ target }) => target.member),
    ...held !== undefined && { held: only(held.items, ({ target }) => target.member) },
    overrides: only(status.overrides.items, (override) => override.member),
    ...shadow !== undefined &&
      { shadow: { ...shadow, differences: only(shadow.differences.items, ({ target }) => target.member) } },
    ...outages !== undefined && {
      outages: {
        ...outages,
        open: only(outages.open.items, ({ target }) => target.member),
        recent: only(outages.recent.items, ({ target }) => target.member)
      }
    }
  }
}
