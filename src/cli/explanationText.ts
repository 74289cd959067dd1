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
      return "not assigned to the service, or not of its level"
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

/** An explanation for people: the answer, the rule behind it, and every member with its distance or what excludes it. */
export const explanationText = (explanation: Explanation, paint: Paint): string => {
  const { choice, candidates } = explanation
  const width = Math.max(0, ...candidates.map((candidate) => candidate.member.length))
  return [
    `${paint.bold(explanation.name)} ${explanation.ipv6 ? "AAAA" : "A"} for ${explanation.client.scope}: ${
      choice.addresses.length === 0 ? paint.bad("no address") : paint.good(choice.addresses.join(", "))
    } ${paint.dim(`(TTL ${choice.ttl})`)}`,
    explanation.because,
    "",
    ...candidates.map((candidate) =>
      [
        candidate.chosen
          ? paint.good("  →")
          : candidate.exclusions.length === 0
          ? "   "
          : paint.bad("  ✗"),
        candidate.member.padEnd(width),
        candidate.address.padEnd(15),
        distanceText(candidate).padStart(9),
        paint.dim(plain(candidate.exclusions.map(exclusionText).join("; ")))
      ].join(" ").trimEnd()
    )
  ].join("\n")
}
