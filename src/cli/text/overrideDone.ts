import type { OverrideStatus } from "../../http/OverrideDocument.ts"
import type { Paint } from "../explanationText.ts"
import { plain } from "./plain.ts"
import { documentTime, spanText } from "./span.ts"

const quoted = (name: string): string => /^[\w.-]+$/.test(name) ? name : JSON.stringify(name)

/** What was given, what follows from it, and how it is taken back. `now` in milliseconds since the epoch. */
export const givenText = (given: OverrideStatus, now: number, paint: Paint): ReadonlyArray<string> => {
  const { author, from, kind, node, reason, state, until } = given
  const member = plain(given.member)
  const end = until === undefined ? "until somebody ends it" : `until ${documentTime(until)}`
  const ahead = Date.parse(from) - now
  return [
    state === "planned"
      ? `${paint.bold(member)} will be out of service from ${documentTime(from)} (in ${spanText(ahead)}) ${end}.`
      : `${paint.bold(member)} is out of service from now on, ${end}.`,
    `  ${plain(reason)} ${paint.dim(`(${plain(author)} at ${plain(node)})`)}`,
    state === "planned"
      ? "DNS answers leave it out for that time. All nodes are told now, and keep it across restarts."
      : "DNS answers leave it out from now on. The other nodes are told at once, and keep it across restarts; checks go on.",
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
