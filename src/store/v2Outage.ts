import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { CheckType, Target } from "../domain/Target.ts"
import { targetKey } from "../domain/Target.ts"
import { Votes } from "./OutageRow.ts"
import { timeFromText, timeToText } from "./StoredText.ts"

/** A row of `member_events` as v2 wrote it: nearly everything may be missing. Times are text in UTC. */
export interface V2OutageRow {
  readonly id: number
  readonly check_type: string | null
  readonly check_name: string | null
  readonly endpoint: string | null
  readonly member_name: string | null
  readonly domain_name: string | null
  readonly status: number | null
  readonly is_ipv6: number | null
  readonly start_time: string | null
  readonly end_time: string | null
  readonly error: string | null
  readonly vote_data: string | null
  readonly additional_data: string | null
}

/** The same row in the form that this version gives its own. `end_time` is null while it is open. */
export interface AdoptedOutage {
  readonly id: number
  readonly outage_id: string
  readonly target_key: string
  readonly check_type: CheckType
  readonly check_name: string
  readonly endpoint: string
  readonly member_name: string
  readonly domain_name: string
  readonly status: 0
  readonly is_ipv6: number
  readonly start_time: string
  readonly end_time: string | null
  readonly error: string
  readonly vote_data: string
  readonly additional_data: string
  readonly blip: number
}

/** v2 stores check types as text or, in older collators, as numbers. */
const checkTypes: Readonly<Record<string, CheckType>> = {
  "1": "site",
  "2": "domain",
  "3": "endpoint",
  site: "site",
  domain: "domain",
  endpoint: "endpoint"
}

const checkTypeOf = (row: V2OutageRow): CheckType =>
  checkTypes[(row.check_type ?? "").trim().toLowerCase()] ??
    ((row.endpoint ?? "").includes("://") ? "endpoint" : (row.domain_name ?? "") === "" ? "site" : "domain")

/** The target of a v2 row. v2 writes the domain into `endpoint` of domain rows, and some versions only there. */
export const v2Target = (row: V2OutageRow): Target => {
  const checkType = checkTypeOf(row)
  const domain = row.domain_name ?? ""
  const endpoint = row.endpoint ?? ""
  return {
    checkType,
    check: row.check_name ?? "",
    member: row.member_name ?? "",
    domain: checkType === "site" ? "" : checkType === "domain" && domain === "" ? endpoint : domain,
    endpoint: checkType === "endpoint" ? endpoint : "",
    ipv6: (row.is_ipv6 ?? 0) !== 0
  }
}

const readJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const isJson = (text: string): boolean => Option.isSome(readJson(text))
const readVotes = Schema.decodeUnknownResult(Votes)

/**
 * No process of v2 ran before. MySQL's zero, Go's zero (year 1) and the beginning of the epoch say that there is no time.
 */
export const firstV2Time = "1971-01-01 00:00:00"

const isUnset = (text: string | null): boolean => text === null || text < firstV2Time

/** A time of v2 as it is stored; undefined when it is none, as the 31st of February or the month 0. */
const readTime = (text: string | null): string | undefined => {
  if (text === null || isUnset(text)) return undefined
  const stored = Option.getOrUndefined(timeToText(timeFromText(text)))
  return stored !== undefined && stored.startsWith(text.trimEnd()) ? stored : undefined
}

/** Whether a row of v2 says nothing of when the outage began. */
export const isUndated = (row: V2OutageRow): boolean => readTime(row.start_time) === undefined

const unknownTime = "1970-01-01 00:00:00.000"

/** Whether what v2 said is not what is stored, and not only in its milliseconds. */
const isOther = (said: string | null, stored: string | null): boolean =>
  said !== null && !(stored ?? "").startsWith(said.trimEnd())

/** The outage id of a row of v2, which gives none. */
export const v2OutageId = (id: number): string => `v2-${id}`

/**
 * Brings a row of v2 into our form. Status 1 means closed there: such a row without an end ends when it began. One without
 * a readable start began when it ended or, still open, `now`: what nobody knows is not counted. What has no place in our
 * form is kept in `additional_data`.
 */
export const adoptV2Outage = (row: V2OutageRow, minimumOfflineMillis: number, now: string): AdoptedOutage => {
  const target = v2Target(row)
  const isClosed = row.status === 1 || !isUnset(row.end_time)
  const ended = readTime(row.end_time)
  const start = readTime(row.start_time) ?? ended ?? (isClosed ? unknownTime : now)
  const end = isClosed ? (ended === undefined || ended < start ? start : ended) : null
  const votes = row.vote_data ?? "{}"
  const votesAreRead = Result.isSuccess(readVotes(votes))
  const data = row.additional_data ?? "null"
  const kept = {
    ...(!votesAreRead && { vote_data: votes }),
    ...(!isJson(data) && { additional_data: data }),
    ...(isOther(row.start_time, start) && { start_time: row.start_time }),
    ...(isOther(row.end_time, end) && { end_time: row.end_time })
  }
  return {
    id: row.id,
    outage_id: v2OutageId(row.id),
    target_key: targetKey(target),
    check_type: target.checkType,
    check_name: target.check,
    endpoint: target.endpoint,
    member_name: target.member,
    domain_name: target.domain,
    status: 0,
    is_ipv6: target.ipv6 ? 1 : 0,
    start_time: start,
    end_time: end,
    error: row.error ?? "",
    vote_data: votesAreRead ? votes : "{}",
    additional_data: Object.keys(kept).length === 0 ? data : noteIn(isJson(data) ? data : "null", { v2: kept }),
    blip: end !== null && timeFromText(end) - timeFromText(start) < minimumOfflineMillis ? 1 : 0
  }
}

/**
 * A second open row of one target, which v2 could not prevent. It is kept, closed at its own start so that no second is
 * counted twice, and says which row goes on.
 */
export const closeDuplicate = (row: AdoptedOutage, openOutageId: string): AdoptedOutage => ({
  ...row,
  end_time: row.start_time,
  blip: 1,
  additional_data: noteIn(row.additional_data, { duplicateOf: openOutageId })
})

const asRecord = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const noteIn = (json: string, note: Readonly<Record<string, unknown>>): string => {
  const record = Option.getOrElse(asRecord(json), () => ({ value: JSON.parse(json) as unknown }))
  return JSON.stringify({ ...record, geodns: { ...(record as { readonly geodns?: object }).geodns, ...note } })
}
