import { clip } from "../domain/clip.ts"
import { type Override, overrideState } from "../domain/Override.ts"
import type { Target } from "../domain/Target.ts"
import type { OverrideStatus } from "./OverrideDocument.ts"
import { rfc3339 } from "./rfc3339.ts"

/** How much of what others sent is shown at most. */
export const shownLimits = {
  votes: 32,
  /** Characters of a name, an id or a URL. */
  name: 200,
  /** Characters of an error. */
  text: 300,
  /** Characters of the reason of an override. */
  reason: 500
}

/** A name, an id or a URL. */
export const nameText = (text: string): string => clip(text, shownLimits.name)

/** An error. */
export const errorText = (text: string): string => clip(text, shownLimits.text)

export const targetText = (target: Target): Target => ({
  checkType: target.checkType,
  check: nameText(target.check),
  member: nameText(target.member),
  domain: nameText(target.domain),
  endpoint: nameText(target.endpoint),
  ipv6: target.ipv6
})

/** The ids of the nodes on both sides. */
export const votesOf = (votes: Readonly<Record<string, boolean>>) => {
  const ids = Object.keys(votes).sort()
  const side = (agreed: boolean) => ids.filter((id) => votes[id] === agreed).slice(0, shownLimits.votes).map(nameText)
  return { yes: side(true), no: side(false) }
}

/** Why an override was given or ended. */
export const reasonText = (text: string): string => clip(text, shownLimits.reason)

/** `now` in milliseconds since the epoch. */
export const overrideStatus = (override: Override, now: number): OverrideStatus => {
  const { at, author, ended, from, id, kind, member, node, reason, until } = override
  return {
    id: nameText(id),
    kind,
    member: nameText(member),
    reason: reasonText(reason),
    author: nameText(author),
    node: nameText(node),
    at: rfc3339(at),
    from: rfc3339(from),
    ...until !== undefined && { until: rfc3339(until) },
    ...ended !== undefined && {
      ended: { at: rfc3339(ended.at), by: nameText(ended.by), reason: reasonText(ended.reason) }
    },
    state: overrideState(override, now)
  }
}
