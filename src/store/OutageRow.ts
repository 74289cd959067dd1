import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Outage } from "../domain/Outage.ts"
import { CheckType, targetKey } from "../domain/Target.ts"
import { storedText, timeFromText, timeToText } from "./StoredText.ts"

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

/** The row of an outage, or what is wrong with the outage. */
export const encodeOutage = (outage: Outage): Result.Result<OutageRow, string> =>
  Result.gen(function*() {
    const { target } = outage
    return {
      outage_id: storedText(outage.id),
      target_key: targetKey(target),
      member_name: storedText(target.member),
      check_type: target.checkType,
      check_name: storedText(target.check),
      domain_name: storedText(target.domain),
      endpoint: storedText(target.endpoint),
      is_ipv6: target.ipv6 ? 1 : 0,
      start_time: yield* toTime("start", outage.start),
      end_time: outage.end === undefined ? null : yield* toTime("end", Math.max(outage.start, outage.end)),
      error: storedText(outage.error),
      vote_data: yield* toJson(outage.votes),
      additional_data: yield* toJson(outage.data),
      blip: outage.blip ? 1 : 0
    }
  })

const TargetKey = Schema.fromJsonString(
  Schema.Tuple([CheckType, Schema.String, Schema.String, Schema.String, Schema.String, Schema.Boolean])
)

/** Votes as they are stored: node id → agreed. */
export const Votes = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Boolean))

const decodeRow = Schema.decodeUnknownResult(Schema.Struct({
  outage_id: Schema.String,
  target_key: TargetKey,
  start_time: Schema.String,
  end_time: Schema.NullOr(Schema.String),
  error: Schema.String,
  vote_data: Votes,
  additional_data: Schema.fromJsonString(Schema.Unknown),
  blip: Schema.Number
}))

/** The outage of a row, or what is wrong with the row. */
export const decodeOutage = (row: unknown): Result.Result<Outage, string> =>
  Result.gen(function*() {
    const it = yield* Result.mapError(decodeRow(row), (error) => error.message)
    const [checkType, check, member, domain, endpoint, ipv6] = it.target_key
    const start = timeFromText(it.start_time)
    const end = it.end_time === null ? undefined : timeFromText(it.end_time)
    if (Number.isNaN(start) || Number.isNaN(end)) {
      return yield* Result.fail(`its time ${it.start_time} or ${it.end_time} is none`)
    }
    return {
      id: it.outage_id,
      target: { checkType, check, member, domain, endpoint, ipv6 },
      start,
      end,
      error: it.error,
      data: it.additional_data,
      votes: it.vote_data,
      blip: it.blip !== 0
    }
  })
