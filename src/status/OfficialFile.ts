import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Target } from "../domain/Target.ts"
import { Certificate, ownKey } from "../domain/wire/Seal.ts"
import type { OfficialEntry } from "./OfficialTable.ts"

/** An official status as files hold it. */
export const OfficialJson = Schema.Struct({
  id: Schema.String,
  target: Target,
  up: Schema.Boolean,
  error: Schema.String,
  data: Schema.Unknown,
  decidedAt: Schema.Finite,
  decidedBy: Schema.String,
  votes: Schema.Record(Schema.String, Schema.Boolean),
  proof: Schema.optionalKey(Schema.Struct({
    seq: Schema.Int.check(Schema.isGreaterThan(0)),
    late: Schema.Boolean,
    certificate: ownKey(Certificate)
  }))
})

const Entry = Schema.Struct({
  official: OfficialJson,
  newest: Schema.Struct({ decidedAt: Schema.Finite, id: Schema.String }),
  recent: Schema.Array(Schema.String),
  before: Schema.optionalKey(Schema.String)
})

const decodeFile = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ version: Schema.Literal(1), targets: Schema.Array(Schema.Unknown) }))
)
const decode = Schema.decodeUnknownOption(Entry)

/**
 * One entry as a line of the file. Kept beside the entry, so that a save only joins lines. Certificates are kept elsewhere, by
 * consensus: here is only what orders decisions.
 */
export const encodeEntry = (entry: OfficialEntry): string => {
  const { proof, ...official } = entry.official
  const withData = (data: unknown) =>
    JSON.stringify({
      ...entry,
      official: { ...official, data, ...proof !== undefined && { proof: { seq: proof.seq, late: proof.late } } }
    })
  try {
    return withData(official.data ?? null)
  } catch {
    // What a probe measured need not be JSON; the status is what counts.
    return withData(null)
  }
}

/** The content of the file. */
export const encodeOfficialFile = (lines: Iterable<string>): string =>
  `{"version":1,"targets":[\n${[...lines].join(",\n")}\n]}\n`

/** The entries of a file, each still to be decoded; undefined when it is no such file. */
export const readOfficialFile = (content: string): ReadonlyArray<unknown> | undefined =>
  Option.getOrUndefined(decodeFile(content))?.targets

/** One entry of a file; undefined when it is broken. */
export const decodeEntry = (entry: unknown): OfficialEntry | undefined => Option.getOrUndefined(decode(entry))
