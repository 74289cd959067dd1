import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Certificate } from "../domain/wire/Seal.ts"
import { maxSnapshotError, maxSnapshotVotes, StatusEntry } from "../domain/wire/Snapshot.ts"
import { noTime } from "../domain/wire/WireTime.ts"
import type { Decision, Official } from "./Decision.ts"
import type { SnapshotHead } from "./Holdings.ts"
import type { OfficialEntry } from "./OfficialTable.ts"

/**
 * The longest page, in bytes of UTF-8: far below what the broker takes, and short enough to be written and read without
 * holding up anything else for long.
 */
export const maxPageBytes: number = 128 * 1024

/** An official status as another node remembers it. */
export interface Remembered {
  readonly decision: Decision
  readonly newest: OfficialEntry["newest"]
}

const decode = Schema.decodeUnknownOption(StatusEntry)

/** What one entry of a page says; undefined when it is none. */
export const readEntry = (entry: unknown): Remembered | undefined => {
  const read = Option.getOrUndefined(decode(entry))
  if (read === undefined || read.DecidedAt <= 0) return undefined
  const { DecidedAt, ID, NewestAt, NewestID } = read
  return {
    decision: {
      id: ID,
      target: {
        checkType: read.CheckType,
        check: read.CheckName,
        member: read.MemberName,
        domain: read.DomainName,
        endpoint: read.Endpoint,
        ipv6: read.IsIPv6
      },
      up: read.Status,
      error: read.ErrorText,
      data: null,
      decidedAt: DecidedAt,
      decidedBy: read.DecidedBy,
      votes: read.Votes
    },
    newest: NewestID === undefined || NewestAt === undefined || NewestAt === noTime
      ? { decidedAt: DecidedAt, id: ID }
      : { decidedAt: NewestAt, id: NewestID }
  }
}

/** An entry as it travels: without what the probe measured, the error cut, and only so many votes. */
const entryOf = ({ newest, official }: OfficialEntry) => {
  const { decidedAt, decidedBy, error, id, target, up, votes } = official
  const isNewest = newest.id === id && newest.decidedAt === decidedAt
  return {
    ID: id,
    CheckType: target.checkType,
    CheckName: target.check,
    MemberName: target.member,
    DomainName: target.domain,
    Endpoint: target.endpoint,
    IsIPv6: target.ipv6,
    Status: up,
    ErrorText: error.slice(0, maxSnapshotError),
    DecidedAt: new Date(decidedAt).toISOString(),
    DecidedBy: decidedBy.slice(0, 256),
    ...!isNewest && { NewestID: newest.id, NewestAt: new Date(newest.decidedAt).toISOString() },
    Votes: Object.fromEntries(Object.entries(votes).slice(0, maxSnapshotVotes))
  }
}

/**
 * A certificate as an entry, in which nodes that go by times find the status too, once it is official here. The votes are in the
 * certificate, and not told twice: with 64 of them it has some 13 KiB.
 */
export const writeProof = (certificate: Certificate, official: Official | undefined): string => {
  const proof = { Seq: certificate.seq, Certificate: certificate }
  // What is learnt late stands in the register before anything follows from it.
  if (official?.proof?.seq !== certificate.seq) return JSON.stringify(proof)
  const { decidedAt, id } = official
  const entry = entryOf({ official: { ...official, votes: {} }, newest: { decidedAt, id }, recent: [] })
  return JSON.stringify({ ...entry, ...proof })
}

/** One page of all entries as the text of a `StatusAnswer`, from the one with the number `from` on. */
export const snapshotPage = (
  head: SnapshotHead,
  entries: ReadonlyArray<OfficialEntry>,
  from: number,
  maxBytes?: number
): string => pageOf(head, entries.length, from, (i) => JSON.stringify(entryOf(entries[i]!)), maxBytes)

/** The same of `count` entries, which `textOf` gives as texts. */
export const pageOf = (
  head: SnapshotHead,
  count: number,
  from: number,
  textOf: (i: number) => string,
  maxBytes: number = maxPageBytes
): string => {
  const texts: Array<string> = []
  let bytes = Buffer.byteLength(JSON.stringify(head)) + 64
  let next = from
  while (next < count) {
    const text = textOf(next)
    bytes += Buffer.byteLength(text) + 1
    // One entry at least, or the asker would never get on.
    if (texts.length > 0 && bytes > maxBytes) break
    texts.push(text)
    next++
  }
  const rest = { ...head, From: from, ...next < count && { Next: next } }
  return `${JSON.stringify(rest).slice(0, -1)},"Entries":[${texts.join(",")}]}`
}
