import type { GivenOverride, OverrideStatus } from "../../http/OverrideDocument.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { documentTime, spanText } from "./span.ts"

const quoted = (name: string): string => /^[\w.-]+$/.test(name) ? name : JSON.stringify(name)

/** So many names are named in a sentence. */
const maxNamed = 5

const list = (names: ReadonlyArray<string>, total: number): string => {
  const more = total - Math.min(names.length, maxNamed)
  const all = [...names.slice(0, maxNamed).map(plain), ...more > 0 ? [`${more} more`] : []]
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`
}

/** Where it does not hold. */
const exceptionText = ({ emptied: { items, total }, kind, state }: GivenOverride): string => {
  if (total === 0) return ""
  const families = new Set(items.map(({ family }) => family))
  // Names that differ in that are seldom, and a clause for each would be long.
  const where = families.size > 1 ? " in one IP version or both" : families.has(undefined) ? "" : ` in ${[...families]}`
  return `, but ${list(items.map(({ name }) => name), total)} ${
    total === 1 ? "has" : "have"
  } no other member${where}: the ${kind} ${
    state === "planned" ? "will" : "does"
  } not hold there${where}, and AllDown says who answers`
}

/** Who else knows. */
const othersText = ({ connected, state }: GivenOverride): string =>
  connected
    ? `The other nodes are told ${state === "planned" ? "now" : "at once"}, and keep it across restarts.`
    : "This node has no broker now: the others learn of it when it is back."

/** What was given, what follows from it, and how it is taken back. `now` in milliseconds since the epoch. */
export const givenText = (given: GivenOverride, now: number, paint: Paint): ReadonlyArray<string> => {
  const { alreadySince, author, from, kind, node, reason, state, until } = given
  const member = plain(given.member)
  const end = until === undefined ? "until somebody ends it" : `until ${documentTime(until)}`
  const ahead = Date.parse(from) - now
  return [
    state === "planned"
      ? `${paint.bold(member)} will be out of service from ${documentTime(from)} (in ${spanText(ahead)}) ${end}.`
      : alreadySince !== undefined
      ? `${paint.bold(member)} is already out since ${documentTime(alreadySince)}; this is one more ${kind}, ${end}.`
      : `${paint.bold(member)} is out of service from now on, ${end}.`,
    `  ${plain(reason)} ${paint.dim(`(${plain(author)} at ${plain(node)})`)}`,
    `DNS answers leave it out${
      state === "planned" ? " for that time" : alreadySince === undefined ? " from now on" : ""
    }${exceptionText(given)}. It is not checked meanwhile.`,
    othersText(given),
    paint.dim(`Take it back with: geodns ${kind} end ${quoted(member)}`)
  ]
}

/** What ended, and what follows from it. */
export const endedText = (ended: ReadonlyArray<OverrideStatus>, paint: Paint): ReadonlyArray<string> => {
  const members = [...new Set(ended.map(({ member }) => plain(member)))]
  return [
    ...ended.map(({ kind, member, reason }) => `Ended: ${kind} of ${paint.bold(plain(member))}: ${plain(reason)}`),
    `DNS answers have ${members.join(", ")} again where ${members.length === 1 ? "it is" : "they are"} up.`
  ]
}
