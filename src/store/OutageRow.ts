import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Outage, OutageProof } from "../domain/Outage.ts"
import { CheckType, type Target, targetKey } from "../domain/Target.ts"
import { outageWidths } from "./mysqlSchema.ts"
import { fitText, storedKey, storedText, timeFromText, timeToText, unpadded } from "./StoredText.ts"

/** A row of `member_events` as it is written. */
export interface OutageRow {
  readonly outage_id: string
  /** The exact identity of the target; the next six are the same for readers. */
  readonly target_key: string
  readonly member_name: string
  readonly check_type: CheckType
  readonly check_name: string
  readonly domain_name: string
  readonly endpoint: string
  readonly is_ipv6: number
  readonly start_time: string
  readonly end_time: string | null
  readonly error: string
  readonly vote_data: string
  readonly additional_data: string
  readonly blip: number
}

/** The JSON text of a value, or why there is none. What JSON has no word for becomes `null`. */
const toJson = (value: unknown): Result.Result<string, string> =>
  Result.try({
    try: () => JSON.stringify(value) ?? "null",
    catch: (error) => `its data is not JSON (${error instanceof Error ? error.message : String(error)})`
  })

const toTime = (name: string, millis: number): Result.Result<string, string> =>
  Option.match(timeToText(millis), {
    onNone: () => Result.fail(`its ${name} ${millis} is no time between the years 1 and 9999`),
    onSome: Result.succeed
  })

/** The name of a member as it is stored and looked up. */
export const storedMember = (member: string): string => unpadded(fitText(member, outageWidths.member))

/** The row of an outage, or what is wrong with the outage. */
export const encodeOutage = (outage: Outage): Result.Result<OutageRow, string> =>
  Result.gen(function*() {
    const { target } = outage
    if ([...outage.id].length > outageWidths.outageId) {
      return yield* Result.fail(`its id has more than ${outageWidths.outageId} characters`)
    }
    return {
      outage_id: storedKey(outage.id),
      target_key: targetKey(target),
      member_name: storedMember(target.member),
      check_type: target.checkType,
      check_name: fitText(target.check, outageWidths.checkName),
      domain_name: fitText(target.domain, outageWidths.domain),
      endpoint: fitText(target.endpoint, outageWidths.endpoint),
      is_ipv6: target.ipv6 ? 1 : 0,
      start_time: yield* toTime("start", outage.start),
      end_time: outage.end === undefined ? null : yield* toTime("end", Math.max(outage.start, outage.end)),
      error: storedText(outage.error),
      vote_data: yield* toJson(outage.votes),
      additional_data: yield* toJson(outage.data),
      blip: outage.blip ? 1 : 0
    }
  })

/** Votes as they are stored: node id → agreed. */
export const Votes = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Boolean))

/** What the decisions on an outage say of its proof: of the one that opened it and, as `up_…`, of the one that closed it. */
export interface ProofColumns {
  readonly seq: number | null
  readonly late: number | null
  readonly certified: number
  readonly up_late: number | null
  readonly up_certified: number
}

/** What a database gives back for an outage. */
export type StoredOutage =
  & Pick<
    OutageRow,
    "outage_id" | "target_key" | "start_time" | "end_time" | "error" | "vote_data" | "additional_data" | "blip"
  >
  & ProofColumns

const proofOf = (row: StoredOutage): { readonly proof?: OutageProof } =>
  row.seq === null ? {} : {
    proof: {
      seq: Number(row.seq),
      late: row.late === 1 || row.up_late === 1,
      certified: row.certified === 1 && (row.end_time === null || row.up_certified === 1)
    }
  }

const readJson = (column: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError(`its ${column} is no JSON`)
  }
}

const isCheckType = Schema.is(CheckType)

const readTarget = (text: string): Target => {
  const parts = readJson("target_key", text)
  if (Array.isArray(parts) && parts.length === 6) {
    const [checkType, check, member, domain, endpoint, ipv6] = parts
    if (
      isCheckType(checkType) && typeof check === "string" && typeof member === "string" && typeof domain === "string" &&
      typeof endpoint === "string" && typeof ipv6 === "boolean"
    ) return { checkType, check, member, domain, endpoint, ipv6 }
  }
  throw new TypeError("its target_key is no target")
}

const readVotes = (text: string): Readonly<Record<string, boolean>> => {
  const votes = readJson("vote_data", text)
  if (typeof votes === "object" && votes !== null && !Array.isArray(votes)) {
    if (Object.values(votes).every((vote) => typeof vote === "boolean")) return votes as Record<string, boolean>
  }
  throw new TypeError("its vote_data is no record of votes")
}

const readTime = (column: string, text: string): number => {
  const time = timeFromText(text)
  if (Number.isNaN(time)) throw new TypeError(`its ${column} ${text} is no time`)
  return time
}

/**
 * The outage of a row, or what is wrong with the row. By hand and not by a schema: years of outages are read for a report,
 * and this takes a quarter of the time.
 */
export const decodeOutage = (row: StoredOutage): Result.Result<Outage, string> => {
  try {
    return Result.succeed({
      id: row.outage_id,
      target: readTarget(row.target_key),
      start: readTime("start_time", row.start_time),
      end: row.end_time === null ? undefined : readTime("end_time", row.end_time),
      error: row.error,
      data: readJson("additional_data", row.additional_data),
      votes: readVotes(row.vote_data),
      blip: row.blip !== 0,
      ...proofOf(row)
    })
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}
