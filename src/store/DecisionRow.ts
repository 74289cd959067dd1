import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { DecisionProof } from "../domain/DecisionProof.ts"
import { Certificate } from "../domain/wire/Seal.ts"
import { outageWidths } from "./mysqlSchema.ts"
import { type OutageRow, type ProofColumns, Votes } from "./OutageRow.ts"
import type { ClosingDecision, OutageDecision } from "./OutageStore.ts"
import { fitText, timeFromText } from "./StoredText.ts"

/** A row of `decisions`. Without a proof `seq` and `certificate` are NULL. */
export interface DecisionRow {
  readonly outage_id: string
  readonly up: number
  readonly decision_id: string
  readonly decided_at: string
  readonly vote_data: string
  readonly seq: number | null
  readonly late: number
  /** As JSON. */
  readonly certificate: string | null
}

const proofOf = (proof: DecisionProof | undefined): Pick<DecisionRow, "seq" | "late" | "certificate"> => ({
  seq: proof?.seq ?? null,
  late: proof?.late === true ? 1 : 0,
  certificate: proof?.certificate === undefined ? null : JSON.stringify(proof.certificate)
})

/** The decision that opened an outage: they have their id, time and votes in common. */
export const openingRow = (outage: OutageRow, proof: DecisionProof | undefined): DecisionRow => ({
  outage_id: outage.outage_id,
  up: 0,
  decision_id: fitText(outage.outage_id, outageWidths.outageId),
  decided_at: outage.start_time,
  vote_data: outage.vote_data,
  ...proofOf(proof)
})

/** The decision that closed an outage, at the time as it is stored. */
export const closingRow = (outageId: string, end: string, decision: ClosingDecision): DecisionRow => ({
  outage_id: outageId,
  up: 1,
  decision_id: fitText(decision.id, outageWidths.outageId),
  decided_at: end,
  vote_data: JSON.stringify(decision.votes),
  ...proofOf(decision.proof)
})

/** What an outage shows of the proofs of its decisions. */
export const proofColumns = (decisions: ReadonlyArray<DecisionRow>): ProofColumns => {
  const [opening, closing] = [0, 1].map((up) => decisions.find((row) => row.up === up))
  const certified = (row: DecisionRow | undefined) => row === undefined || row.certificate === null ? 0 : 1
  return {
    seq: opening?.seq ?? null,
    late: opening?.late ?? null,
    certified: certified(opening),
    up_late: closing?.late ?? null,
    up_certified: certified(closing)
  }
}

const decodeVotes = Schema.decodeUnknownResult(Votes)
const decodeCertificate = Schema.decodeUnknownResult(Schema.fromJsonString(Certificate))

/** The decision of a row, or what is wrong with the row. */
export const decodeDecision = (row: DecisionRow): Result.Result<OutageDecision, string> =>
  Result.gen(function*() {
    const votes = yield* Result.mapError(decodeVotes(row.vote_data), (issue) => `its vote_data: ${issue}`)
    const certificate = row.certificate === null
      ? undefined
      : yield* Result.mapError(decodeCertificate(row.certificate), (issue) => `its certificate: ${issue}`)
    return {
      id: row.decision_id,
      up: row.up !== 0,
      decidedAt: timeFromText(row.decided_at),
      votes,
      ...row.seq !== null && {
        proof: { seq: Number(row.seq), late: row.late !== 0, ...certificate !== undefined && { certificate } }
      }
    }
  })
