import { clip } from "../domain/clip.ts"
import type { Outage } from "../domain/Outage.ts"
import type { AlertMessage } from "./AlertMessage.ts"

/** Outages of a storm that are listed: no receiver takes a body of any size. */
const maxListed = 200
/** Characters of the error of one. */
const maxError = 1_000

/** Those that are listed: of a large storm what is open rather than what is over. */
const listed = (outages: ReadonlyArray<Outage>): ReadonlyArray<Outage> => {
  if (outages.length <= maxListed) return outages
  const isOver = ({ end }: Outage): boolean => end !== undefined
  return [...outages.filter((one) => !isOver(one)), ...outages.filter(isOver)].slice(0, maxListed)
}

const time = (millis: number): string => new Date(millis).toISOString()

/** Node ids that voted so, in order. */
const voters = (outage: Outage, agreed: boolean): ReadonlyArray<string> =>
  Object.entries(outage.votes).filter(([, agree]) => agree === agreed).map(([node]) => node).sort()

const outageDocument = (outage: Outage) => ({
  id: outage.id,
  member: outage.target.member,
  checkType: outage.target.checkType,
  check: outage.target.check,
  domain: outage.target.domain,
  endpoint: outage.target.endpoint,
  ipVersion: outage.target.ipv6 ? 6 : 4,
  error: clip(outage.error, maxError),
  start: time(outage.start),
  ...outage.end !== undefined && { end: time(outage.end), seconds: (outage.end - outage.start) / 1_000 },
  blip: outage.blip,
  votes: { yes: voters(outage, true), no: voters(outage, false) }
})

/** A message as JSON, for webhooks and for those that were refused. Times are RFC 3339, in UTC. */
export const alertDocument = ({ idempotencyKey, isTest, kind, outage, outages, severity }: AlertMessage) => ({
  version: 1,
  ...isTest === true && { test: true },
  key: idempotencyKey,
  thread: outage.id,
  kind,
  severity,
  outages: listed(outages).map(outageDocument),
  ...outages.length > maxListed && { more: outages.length - maxListed }
})
export type AlertDocument = ReturnType<typeof alertDocument>
