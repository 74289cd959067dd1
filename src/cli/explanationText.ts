import type { ExplainAnswer } from "../http/ExplainAnswer.ts"
import type { Candidate, Exclusion, Explanation } from "../steering/Choice.ts"
import { plain } from "./text/plain.ts"

/** Marks text for a terminal; identity where there is no colour. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

const overrideText = (
  { author, kind, reason, until }: NonNullable<Extract<Exclusion, { readonly _tag: "Overridden" }>["override"]>
): string =>
  `taken out by ${author} (${kind}), ${
    until === undefined ? "until somebody ends it" : `until ${new Date(until).toISOString()}`
  }: ${reason}`

const exclusionText = (exclusion: Exclusion): string => {
  switch (exclusion._tag) {
    case "Inactive":
      return "not active"
    case "Overridden":
      return exclusion.override === undefined ? "taken out by the members document" : overrideText(exclusion.override)
    case "NotAssigned":
      return "not assigned to the service"
    case "BelowLevel":
      return `assigned, but of level ${exclusion.level}: the service requires ${exclusion.required}`
    case "NoAddress":
      return "no address of this family"
    case "Down":
      return `down since ${
        new Date(exclusion.since).toISOString()
      }: ${exclusion.error} (decision ${exclusion.decision})`
  }
}

const distanceText = (candidate: Candidate): string =>
  candidate.distance === undefined ? "" : `${Math.round(candidate.distance)} km`

/** To the second: it is at most minutes away. */
const heldText = (until: number): string => `held in service until ${new Date(until).toISOString().slice(11, 19)} UTC`

/** What keeps a member in service that something speaks against. */
const inServiceText = ({ answers, exclusions, heldUntil }: Candidate): ReadonlyArray<string> => {
  if (heldUntil !== undefined) return [heldText(heldUntil)]
  if (!answers || exclusions.length === 0) return []
  return [
    exclusions.some(({ _tag }) => _tag === "Overridden")
      ? "answers although out by hand (nobody else is left)"
      : "answers although down (all are down)"
  ]
}

/** Chosen, in service, in service although something speaks against it, or out. */
const markOf = ({ answers, chosen, exclusions }: Candidate, paint: Paint): string =>
  chosen
    ? paint.good("  →")
    : exclusions.length === 0
    ? "   "
    : answers
    ? paint.bold("  !")
    : paint.bad("  ✗")

const candidateText = (candidate: Candidate, width: number, paint: Paint): string =>
  [
    markOf(candidate, paint),
    candidate.member.padEnd(width),
    candidate.address.padEnd(15),
    distanceText(candidate).padStart(9),
    paint.dim(plain([...inServiceText(candidate), ...candidate.exclusions.map(exclusionText)].join("; ")))
  ].join(" ").trimEnd()

const steeringText = (explanation: Explanation, paint: Paint): ReadonlyArray<string> => {
  const { candidates, choice } = explanation
  const width = Math.max(0, ...candidates.map((candidate) => candidate.member.length))
  return [
    `${paint.bold(explanation.name)} ${explanation.ipv6 ? "AAAA" : "A"} for ${explanation.client.scope}: ${
      choice.addresses.length === 0 ? paint.bad("no address") : paint.good(choice.addresses.join(", "))
    } ${paint.dim(`(TTL ${choice.ttl})`)}`,
    explanation.because,
    "",
    ...candidates.map((candidate) => candidateText(candidate, width, paint))
  ]
}

/**
 * An answer explained for people: what the zones say, then, where members are chosen, the answer, the rule behind it, and every
 * member with its distance or what excludes it.
 */
export const explanationText = (
  { explanation, zone }: Pick<ExplainAnswer, "explanation" | "zone">,
  paint: Paint
): string =>
  [...zone.lines.map(plain), ...(explanation === undefined ? [] : steeringText(explanation, paint))].join("\n")
