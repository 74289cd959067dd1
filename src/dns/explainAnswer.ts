import { editDistance } from "../config/nearest.ts"
import type { Client, Explanation } from "../steering/Choice.ts"
import type { AnswerSnapshot } from "./AnswerState.ts"
import { domainName } from "./DomainName.ts"
import { followAliases } from "./followAliases.ts"
import { RecordType } from "./protocol.ts"
import { nameText } from "./recordText.ts"
import { type ZoneAnswer, zoneAnswer } from "./ZoneAnswer.ts"

/** Why a client is answered as it is: by the zones, and by steering where that is asked. */
export interface AnswerReasons {
  readonly zone: ZoneAnswer
  /** Undefined when no member is chosen: see `ZoneAnswer.rule`. */
  readonly steering: Explanation | undefined
}

/** What answers are explained from. */
export type ExplainedSnapshot = Pick<AnswerSnapshot, "zones" | "steering">

/**
 * Why a client is answered at a name as it is, from what answers are made from. Any name: where no member is chosen, the zones
 * have the whole answer.
 */
export const explainAnswer = (
  { steering, zones }: ExplainedSnapshot,
  name: string,
  ipv6: boolean,
  client: Client
): AnswerReasons => {
  const domain = domainName(name)
  if (domain === undefined) return { zone: notAName(name), steering: undefined }
  const zone = zoneAnswer(zones, domain.text, domain.key, ipv6)
  const explanation = zone.rule === "members" ? steering.explain(zone.name, ipv6, client) : undefined
  if (zone.rule !== "members" || explanation !== undefined) return { zone, steering: explanation }
  const waits = `${zone.name}: a served name, whose members are not known yet (SERVFAIL)`
  return { zone: { ...zone, rule: "unavailable", lines: [...zone.lines.slice(0, -1), waits] }, steering: undefined }
}

/** What is a host name without being one that zones can have. */
const notAName = (name: string): ZoneAnswer => ({
  zone: "",
  name,
  rule: "outside",
  records: [],
  servers: [],
  nearest: [],
  lines: [`${name}: in no zone of this node (REFUSED)`]
})

/** Whether what was found out about one type is enough to know about the other. */
const isAlike = (a: ZoneAnswer, b: ZoneAnswer): boolean => a.rule === b.rule && a.name === b.name

/**
 * The same for people who ask for one name: with a sentence about the other type of address where that is answered otherwise,
 * and with names that may have been meant where there is no such name.
 */
export const explainAnswerInFull = (
  snapshot: ExplainedSnapshot,
  name: string,
  ipv6: boolean,
  client: Client
): AnswerReasons => {
  const reasons = explainAnswer(snapshot, name, ipv6, client)
  const { zone } = reasons
  const other = explainAnswer(snapshot, name, !ipv6, client).zone
  const nearest = zone.rule === "no-name" || zone.rule === "outside" && zone.records.length === 0
    ? nearestNames(snapshot, zone.name)
    : []
  return {
    ...reasons,
    zone: {
      ...zone,
      nearest,
      lines: [
        ...zone.lines,
        ...(nearest.length === 0 ? [] : [`Did you mean ${nearest.join(", ")}?`]),
        ...(isAlike(zone, other) ? [] : other.lines.slice(-1).map((line) => `For ${ipv6 ? "A" : "AAAA"}, ${line}`))
      ]
    }
  }
}

/** Names that are compared with one that does not exist: it bounds the work, some milliseconds. */
const maxCompared = 500

const maxNearest = 3

/**
 * The names most like one that does not exist. Of those that are steered, and of aliases of these, which are for everybody:
 * whoever may ask for explanations must not find out by it what else is in a zone.
 */
const nearestNames = ({ steering, zones }: ExplainedSnapshot, name: string): ReadonlyArray<string> => {
  const known = [...steering.names]
  for (const [key, { alias }] of zones.nodes) {
    if (known.length >= maxCompared) break
    if (alias !== undefined && followAliases(zones, key, RecordType.A).end?._tag === "Steered") {
      known.push(nameText(key))
    }
  }
  return known.slice(0, maxCompared)
    .map((candidate) => ({ candidate, distance: distanceTo(name, candidate) }))
    .filter(({ distance }) => distance < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, maxNearest)
    .map(({ candidate }) => candidate)
}

/** How far two names are apart; infinity when they are not alike. The labels that end both say nothing. */
const distanceTo = (name: string, candidate: string): number => {
  const [a, b] = [name.split("."), candidate.split(".")]
  while (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-1)) {
    a.pop()
    b.pop()
  }
  const [own, other] = [a.join("."), b.join(".")]
  const limit = Math.max(1, Math.floor(Math.min(own.length, other.length) / 3))
  if (Math.abs(own.length - other.length) > limit) return Number.POSITIVE_INFINITY
  const distance = editDistance(own, other)
  return distance <= limit ? distance : Number.POSITIVE_INFINITY
}
