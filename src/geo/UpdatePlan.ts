import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { UpdateReason } from "./UpdateError.ts"

const Millis = Schema.Finite

/** What is known of one edition. All times in milliseconds since the epoch. */
const EditionState = Schema.Struct({
  /** When the provider changed the file that is there, and the bytes of it: another size is another file. */
  lastModified: Schema.UndefinedOr(Millis).pipe(Schema.optionalKey),
  size: Schema.UndefinedOr(Schema.Finite).pipe(Schema.optionalKey),
  /** When the provider was asked last, and when a newer file came last. */
  checkedAt: Schema.UndefinedOr(Millis).pipe(Schema.optionalKey),
  updatedAt: Schema.UndefinedOr(Millis).pipe(Schema.optionalKey),
  /** When its own downloads began: those of 24 hours before the last, and the last. */
  downloads: Schema.Array(Millis).pipe(Schema.optionalKey),
  /** Failures since something succeeded, and not before when to try again. */
  failures: Schema.Int,
  retryAt: Millis
})
export type EditionState = typeof EditionState.Type

/** What is kept beside the databases, so that a restart neither asks for the same again nor counts anew. */
export const UpdateState = Schema.Struct({
  /** When the downloads of the last 24 hours began. */
  downloads: Schema.Array(Millis),
  editions: Schema.Record(Schema.String, EditionState)
})
export type UpdateState = typeof UpdateState.Type

/** The file of it, in the directory of the databases. */
export const updateStateFile = "geoip-update.json"

export const noState: UpdateState = { downloads: [], editions: {} }

const noEdition: EditionState = { failures: 0, retryAt: 0 }

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(UpdateState))

/** None for a text that is no state. */
export const decodeState = (text: string): Option.Option<UpdateState> => decode(text)

export const encodeState = (state: UpdateState): string => `${JSON.stringify(state, null, 2)}\n`

export const editionState = (state: UpdateState, edition: string): EditionState => state.editions[edition] ?? noEdition

const withEdition = (state: UpdateState, edition: string, changed: Partial<EditionState>): UpdateState => ({
  ...state,
  editions: { ...state.editions, [edition]: { ...editionState(state, edition), ...changed } }
})

const minutes = (n: number): number => n * 60_000
const hours = (n: number): number => minutes(n * 60)
const day = hours(24)

/** The v2 names of MaxMind's free databases; others have the name of their edition. */
export const fileOf = (edition: string): string => {
  switch (edition) {
    case "GeoLite2-City":
      return "CityLite.mmdb"
    case "GeoLite2-Country":
      return "CountryLite.mmdb"
    case "GeoLite2-ASN":
      return "AsnLite.mmdb"
    default:
      return `${edition}.mmdb`
  }
}

/**
 * Whether what the provider has is newer than what is there. `size` are the bytes of the file, undefined when there is none.
 * A file that did not come by us counts as old.
 */
export const isNewer = (known: EditionState, size: number | undefined, lastModified: number): boolean =>
  size === undefined || known.lastModified === undefined || known.size !== size || lastModified > known.lastModified

/** The downloads that count: those of 24 hours, also when the clock was set back since. */
const counted = (downloads: ReadonlyArray<number> = [], now: number): ReadonlyArray<number> =>
  downloads.filter((at) => at > now - day && at <= now + day)

/** How many downloads were begun within 24 hours. */
export const downloadCount = (state: UpdateState, now: number): number => counted(state.downloads, now).length

/** For how long the others have the first claim on what they have not used of a day. */
const firstClaim = hours(18)

/** What is allowed: by `GeoDNS.GeoIp.DownloadsPerDay` and `GeoDNS.GeoIp.Editions`. */
export interface Allowance {
  readonly perDay: number
  readonly editions: ReadonlyArray<string>
}

/** Whether a download of an edition may begin at a time, if no other begins before. */
const mayBegin = (state: UpdateState, edition: string, { editions, perDay }: Allowance, at: number): boolean => {
  const left = perDay - downloadCount(state, at)
  if (left <= 0) return false
  const all = new Set([...editions, edition])
  const share = Math.floor(perDay / all.size)
  const usedBy = (name: string) => counted(editionState(state, name).downloads, at)
  const own = usedBy(edition)
  if (own.length < share || own.some((began) => began <= at - firstClaim)) return true
  const claimed = [...all].reduce(
    (sum, name) => name === edition ? sum : sum + Math.max(0, share - usedBy(name).length),
    0
  )
  return left > claimed
}

/**
 * When the next download of an edition may begin: `now`, or later when all are used up, or the edition has used its share and
 * the others still have a claim on the rest: until 18 hours after its first.
 */
export const nextDownload = (state: UpdateState, edition: string, allowance: Allowance, now: number): number => {
  const later = [
    ...state.downloads.map((at) => at + day),
    ...(editionState(state, edition).downloads ?? []).map((at) => at + firstClaim)
  ].filter((at) => at > now).sort((a, b) => a - b)
  return [now, ...later].find((at) => mayBegin(state, edition, allowance, at)) ?? now + day
}

/** A download begins: written down before it does, so that no crash makes it forgotten. */
export const began = (state: UpdateState, edition: string, now: number): UpdateState => ({
  ...withEdition(state, edition, { downloads: [...counted(editionState(state, edition).downloads, now), now] }),
  downloads: [...counted(state.downloads, now), now]
})

/** Editions in the order in which they have their turn: who has waited for a download for longest comes first. */
export const inTurn = (state: UpdateState, editions: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lastOf = (edition: string) => editionState(state, edition).downloads?.at(-1) ?? Number.NEGATIVE_INFINITY
  return [...new Set(editions)].map((edition) => ({ edition, last: lastOf(edition) }))
    .sort((a, b) => a.last === b.last ? 0 : a.last - b.last)
    .map(({ edition }) => edition)
}

/** There is nothing newer. */
export const unchanged = (state: UpdateState, edition: string, now: number): UpdateState =>
  withEdition(state, edition, { checkedAt: now, failures: 0, retryAt: 0 })

/** A newer file is in place. */
export const updated = (
  state: UpdateState,
  edition: string,
  now: number,
  file: { readonly lastModified: number; readonly size: number }
): UpdateState => withEdition(state, edition, { ...file, checkedAt: now, updatedAt: now, failures: 0, retryAt: 0 })

/** How long to wait after the failures so far, before chance shortens it by up to a half. Milliseconds. */
const backOff = (reason: UpdateReason, failures: number): number => {
  switch (reason._tag) {
    case "Refused":
    case "UnknownEdition":
      // Only a person can mend it; a change of the settings is tried at once.
      return hours(12)
    case "TooMany":
      return Math.min(day, Math.max(hours(2), 2 * (reason.retryAfter ?? hours(6))))
    default:
      return Math.min(hours(12), minutes(10) * 2 ** Math.min(10, failures - 1))
  }
}

/** It failed. `chance` is from 0 to 1. */
export const failed = (
  state: UpdateState,
  edition: string,
  now: number,
  reason: UpdateReason,
  chance: number
): UpdateState => {
  const failures = editionState(state, edition).failures + 1
  const retryAt = reason._tag === "UsedUp" ? reason.until : now + backOff(reason, failures) * (1 - chance / 2)
  return withEdition(state, edition, { failures, retryAt: Math.round(retryAt) })
}

/** Failures are not held against new settings. */
export const forgiven = (state: UpdateState): UpdateState => ({
  ...state,
  editions: Object.fromEntries(
    Object.entries(state.editions).map(([name, edition]) => [name, { ...edition, failures: 0, retryAt: 0 }])
  )
})

/**
 * When to ask the provider next: at once for what was never asked, after the back-off for what failed, else after the
 * interval, which chance makes up to a tenth shorter or longer. A clock that was set back delays nothing for more than that.
 */
export const dueAt = (known: EditionState, interval: number, now: number, chance: number): number => {
  if (known.failures > 0) return Math.min(known.retryAt, now + day)
  if (known.checkedAt === undefined || known.checkedAt > now) return now
  return known.checkedAt + interval * (0.9 + chance / 5)
}
