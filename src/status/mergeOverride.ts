import type { Override } from "../domain/Override.ts"

const day = 86_400_000

/** How long an override is listed after it was over. Milliseconds. */
export const listedAfterEnd = 35 * day

/**
 * How long it is remembered that an override was ended by hand that would hold otherwise: a node that was away and
 * missed the end must not bring the override back. Milliseconds.
 */
export const endRemembered = 400 * day

type End = NonNullable<Override["ended"]>

/** Everything but the end, which alone can change. */
const origin = ({ at, author, from, id, kind, member, node, reason, until }: Override): string =>
  JSON.stringify([id, kind, member, reason, author, node, at, from, until ?? null])

/** All that an override says. */
export const overrideText = (it: Override): string => origin(it) + JSON.stringify(it.ended ?? null)

const isBefore = (a: End, b: End): boolean =>
  a.at !== b.at ? a.at < b.at : a.by !== b.by ? a.by < b.by : a.reason < b.reason

const earlier = (a: End | undefined, b: End | undefined): End | undefined =>
  a === undefined ? b : b === undefined || !isBefore(b, a) ? a : b

/**
 * What two copies of one override say together: the earliest end that somebody gave it. Commutative, associative and
 * idempotent, also where two copies differ that should not, so that all who heard the same hold the same. Gives `a`
 * itself when `b` says nothing new.
 */
export const mergeOverride = (a: Override, b: Override): Override => {
  const first = origin(b) < origin(a) ? b : a
  const ended = earlier(a.ended, b.ended)
  return ended === first.ended ? first : { ...first, ended }
}

/** When nobody needs to know of an override any more. */
export const forgottenAt = (it: Override): number => {
  const natural = it.until ?? Number.POSITIVE_INFINITY
  if (it.ended === undefined) return natural + listedAfterEnd
  // An end from a clock that is far behind must be remembered too, or who missed it brings the override back.
  const ended = Math.max(it.ended.at, it.at)
  return Math.max(ended + listedAfterEnd, Math.min(natural, ended + endRemembered))
}
