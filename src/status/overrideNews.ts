import type { OverrideChange } from "./Overrides.ts"

/** So many members are named in a line. */
const maxNamed = 10

/** An end by hand may have no reason. */
const endText = (ended: OverrideChange["override"]["ended"]): string =>
  ended === undefined ? "" : `, ended by ${ended.by}${ended.reason === "" ? "" : `: ${ended.reason}`}`

const lineOf = ({ change, override }: OverrideChange): string => {
  const { author, ended, from, kind, member, reason, until } = override
  const end = until === undefined ? "until somebody ends it" : `until ${new Date(until).toISOString()}`
  return change === "began"
    ? `${member} is out of service, ${end}: ${reason} (${kind} by ${author})`
    : change === "given"
    ? `${member} will be out of service from ${new Date(from).toISOString()} ${end}: ${reason} (${kind} by ${author})`
    : `the ${kind} of ${member} is over${endText(ended)}`
}

/** Different texts, as many as fit into a line. */
export const named = (texts: Iterable<string>): string => {
  const all = [...new Set(texts)]
  return all.slice(0, maxNamed).join(", ") + (all.length > maxNamed ? ` and ${all.length - maxNamed} more` : "")
}

/** What happened at one time in one line of the log, however much it is; undefined when nothing did. */
export const newsLine = (changes: ReadonlyArray<OverrideChange>): string | undefined => {
  const [first, ...others] = changes
  if (first === undefined || others.length === 0) return first && lineOf(first)
  const words = { began: "out of service", given: "announced", ended: "over" }
  const parts = Map.groupBy(changes, ({ change }) => change)
  const counts = Array.from(
    parts,
    ([change, of]) => `${of.length} ${words[change]} (${named(of.map(({ override }) => override.member))})`
  )
  const givers = named(changes.map(({ override }) => `${override.author} at ${override.node}`))
  return `overrides and maintenance: ${counts.join(", ")}; given by ${givers}`
}
