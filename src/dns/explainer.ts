import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Candidate, Client, Exclusion, Explanation } from "../steering/Choice.ts"
import { encodeData } from "./dnsPacket.ts"
import type { RecordSet } from "./encodeResponse.ts"
import type { AnswerReasons } from "./explainAnswer.ts"
import { RecordType } from "./protocol.ts"

/** Explanations a second, of all together: one of a thousand members takes a millisecond. */
const perSecond = 20

/** Seconds: an explanation is of now. */
const ttl = 5

/** Candidates that are told of, the best first. */
const maxCandidates = 24

/** The longest character-string (RFC 1035, 3.3). */
const maxBytes = 255

/** Anybody may ask: neither who took a member out, nor why, nor what a check found. */
const exclusionText = (exclusion: Exclusion): string => {
  switch (exclusion._tag) {
    case "Inactive":
      return "not active"
    case "Overridden":
      return "out by hand"
    case "NotAssigned":
      return "not assigned"
    case "BelowLevel":
      return "below the level"
    case "NoAddress":
      return "no address"
    case "Down":
      return `down since ${new Date(exclusion.since).toISOString()} by decision ${exclusion.decision}`
  }
}

/** Members that do not serve the name are nobody's business. */
const isAside = ({ _tag }: Exclusion): boolean => _tag === "Inactive" || _tag === "NotAssigned" || _tag === "BelowLevel"

const candidateText = (
  { address, answers, chosen, distance, exclusions, heldUntil, member }: Candidate
): string =>
  [
    member,
    ...(address === "" || exclusions.some(isAside) ? [] : [address]),
    ...(distance === undefined ? [] : [`${Math.round(distance)} km`]),
    ...(chosen ? ["chosen"] : []),
    ...exclusions.map(exclusionText),
    ...(heldUntil === undefined ? [] : [`held until ${new Date(heldUntil).toISOString()}`]),
    ...(answers && exclusions.length > 0 && heldUntil === undefined ? ["answers all the same"] : [])
  ].join(", ")

const tooManyAsk = "too many ask for explanations: ask again in a second"

const bytesOf = (text: string): Uint8Array => {
  const bytes = Buffer.from(text)
  return encodeData("TXT", [bytes.length <= maxBytes ? bytes : bytes.subarray(0, maxBytes)])
}

/** No failure: PowerDNS would connect anew for each, and other records at the name would fail with it. */
const tooOften: RecordSet = { type: RecordType.TXT, ttl: 1, data: [bytesOf(tooManyAsk)] }

const steeringLines = ({ because, candidates, choice, client }: Explanation): ReadonlyArray<string> => {
  const answer = choice.addresses.length === 0 ? "no address" : choice.addresses.join(" ")
  const more = candidates.length - maxCandidates
  return [
    `${answer} for ${client.scope === "" ? "an unknown client" : client.scope}: ${because}`,
    ...candidates.slice(0, maxCandidates).map(candidateText),
    ...(more > 0 ? [`and ${more} more`] : [])
  ]
}

/** Why the answer of one type is what it is. */
export interface TypeReasons extends AnswerReasons {
  readonly ipv6: boolean
}

/**
 * Reasons as TXT records, one a line, those of the zones first: their order is lost on the way, so that each begins with the
 * type it is about and a number.
 */
export const explanationRecords = (types: ReadonlyArray<TypeReasons>): RecordSet => ({
  type: RecordType.TXT,
  ttl,
  data: types.flatMap(({ ipv6, steering, zone }) =>
    [...zone.lines, ...(steering === undefined ? [] : steeringLines(steering))]
      .map((line, i) => bytesOf(`${ipv6 ? "AAAA" : "A"} ${i}: ${line}`))
  )
})

/**
 * Makes what answers the TXT questions for `explain.<name>`, a bounded number a second. `explain` as `explainAnswer` does.
 */
export const makeExplainer = (
  explain: (name: string, ipv6: boolean, client: Client) => AnswerReasons
): Effect.Effect<(name: string, client: Client) => RecordSet | undefined> =>
  Effect.map(Clock.Clock, (clock) => {
    let second = Number.NaN
    let left = 0
    return (name, client) => {
      const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
      if (now !== second) {
        second = now
        left = perSecond
      }
      if (left === 0) return tooOften
      left -= 1
      const types = [false, true].map((ipv6) => ({ ipv6, ...explain(name, ipv6, client) }))
      return types.every(({ zone }) => zone.rule === "unavailable") ? undefined : explanationRecords(types)
    }
  })
