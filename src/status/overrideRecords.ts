import { createHash } from "node:crypto"
import type { Outage } from "../domain/Outage.ts"
import { type Override, overrideEnd, overrideState } from "../domain/Override.ts"

/** A UUID (RFC 9562, version 8) that follows from a text, so that whoever writes a row gives it the same id. */
const uuidOf = (text: string): string => {
  const hex = createHash("sha256").update(text).digest("hex")
  const variant = (8 + (parseInt(hex[16]!, 16) & 3)).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`
}

/** The id of the row of an override for one IP version. */
export const overrideRecordId = (override: string, ipv6: boolean): string =>
  uuidOf(JSON.stringify(["effect-geodns override", override, ipv6 ? 6 : 4]))

/**
 * The rows of an override as it stands at `now`, milliseconds since the epoch: one for each IP version, whichever the
 * member has. None while it has not begun. One that was ended before it began has rows that end as they start: they need
 * not be stored, but are to be closed where another clock had begun them.
 */
export const overrideRecords = (override: Override, now: number): ReadonlyArray<Outage> => {
  const { at, author, ended, from, id, kind, member, node, reason, until } = override
  const state = overrideState(override, now)
  if (state === "planned") return []
  const end = state === "over" ? Math.max(from, overrideEnd(override) ?? now) : undefined
  const data = {
    id,
    author,
    node,
    at: timeText(at),
    until: until === undefined ? null : timeText(until),
    ended: ended === undefined ? null : { ...ended, at: timeText(ended.at) }
  }
  return [false, true].map((ipv6): Outage => ({
    id: overrideRecordId(id, ipv6),
    target: { checkType: "site", check: kind, member, domain: "", endpoint: "", ipv6 },
    start: from,
    end,
    error: reason,
    data,
    votes: {},
    blip: false
  }))
}

const timeText = (millis: number): string => new Date(millis).toISOString()
