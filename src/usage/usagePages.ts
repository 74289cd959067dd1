import { randomBytes } from "node:crypto"
import { isInbox } from "../bus/replies.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { UsageRecord } from "../domain/wire/Usage.ts"
import type { PagedUsageRequest } from "../domain/wire/UsagePages.ts"
import type { JournalName } from "./journalNames.ts"
import type { UsageKey } from "./UsageTable.ts"

/** Characters of a page at most, but for one record: decoding a long message holds up whoever does it. */
export const pageBytes = 96 * 1024

/** Pages that are sent at one asking: together much less than what may wait for a slow reader. */
export const pagesPerAsk = 8

/** The version of the form of pages. */
export const paging = 1

const answersBelow = `${Subject.UsagePages.name}.`

/** A subject of its own for the answers to one asking. */
export const newReplySubject = (): string => `${answersBelow}${randomBytes(12).toString("hex")}`

/** Whether somebody who asks for usage may have the answer there: collators of ours ask with {@link newReplySubject}. */
export const isReplySubject = (subject: string): boolean =>
  isInbox(subject) || subject.startsWith(answersBelow) && /^[0-9a-f]{24}$/.test(subject.slice(answersBelow.length))

/** Where the next page begins. */
export interface Cursor {
  readonly page: number
  readonly day: string
  readonly writer: string
  readonly row: number
}

/** A cursor as it travels. */
export const formatCursor = ({ day, page, row, writer }: Cursor): string => `${page} ${day} ${writer} ${row}`

/** Reads a cursor; undefined when it is none. */
export const parseCursor = (text: string): Cursor | undefined => {
  const found = /^(\d{1,9}) (\d{4}-\d{2}-\d{2}) ([0-9a-f-]{1,40}) (\d{1,9})$/.exec(text)
  return found === null
    ? undefined
    : { page: Number(found[1]), day: found[2]!, writer: found[3]!, row: Number(found[4]) }
}

/** The journals from a cursor on. One that is gone is passed over. */
export const journalsFrom = (
  journals: ReadonlyArray<JournalName>,
  cursor: Cursor | undefined
): ReadonlyArray<JournalName> =>
  cursor === undefined
    ? journals
    : journals.filter(({ day, writer }) => day > cursor.day || day === cursor.day && writer >= cursor.writer)

/** A total on the wire. */
export const recordOf = (node: string, day: string, key: UsageKey, hits: number): UsageRecord => ({
  nodeid: node,
  date: day,
  domain: key.domain,
  memberName: key.member,
  countryCode: key.country,
  asn: key.asn,
  networkName: key.network,
  countryName: key.countryName,
  hits,
  isIPv6: key.ipv6
})

/** About the bytes of a record on the wire: never less. */
export const bytesOf = (record: UsageRecord): number => Buffer.byteLength(JSON.stringify(record)) + 1

/** What is wrong with the period of a request; undefined when nothing is. */
export const periodProblem = (
  { endDate, startDate }: Pick<PagedUsageRequest, "startDate" | "endDate">
): string | undefined => startDate > endDate ? `startDate ${startDate} is after endDate ${endDate}` : undefined
