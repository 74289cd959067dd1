import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { decisionIdOf } from "../consensus/sealed/decisionIdOf.ts"
import { judgeVotes } from "../consensus/sealed/judgeVotes.ts"
import { statusOf } from "../consensus/sealed/Register.ts"
import { maxSpread, verify } from "../consensus/sealed/verify.ts"
import type { Outage } from "../domain/Outage.ts"
import { type Target, targetKey } from "../domain/Target.ts"
import type { FinalizeMessage } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import { type OutageDecision, OutageStore } from "../store/OutageStore.ts"
import type { OutageProofFile } from "./proofFile.ts"
import { invalidText, type RosterFileOf } from "./text/invalidText.ts"
import type { Verdict } from "./text/proofText.ts"

/** Judges a certificate, and the decision that it came with, if it did. */
export const judge = (
  certificate: Certificate,
  message: FinalizeMessage | undefined,
  by: RosterFileOf
): Verdict => {
  const verified = verify(certificate, message, by.rosters)
  return {
    certificate,
    votes: judgeVotes(certificate, by.rosters),
    proof: Result.getOrUndefined(verified),
    invalid: Result.isFailure(verified)
      ? { reason: verified.failure._tag, problem: invalidText(verified.failure, by) }
      : undefined
  }
}

/** What there is to prove that an outage began, or ended. */
export interface Side {
  /** Missing where no certificate is stored. */
  readonly verdict: Verdict | undefined
  /** Why it is not proved; undefined when it is. */
  readonly problem: string | undefined
}

/** An outage, and whether it is proved that it began and, if it is over, that it ended. */
export interface OutageVerdict {
  /** Times in milliseconds since the epoch. Where a file is all there is, they are those of the votes, as far as these hold. */
  readonly outage: Pick<Outage, "id" | "target" | "proof"> & {
    readonly start: number | undefined
    readonly end: number | undefined
  }
  readonly opening: Side
  /** Undefined while it is open, or as far as the file says. */
  readonly closing: Side | undefined
  /** What an auditor should know beside that. */
  readonly notes: ReadonlyArray<string>
}

/** Why nothing is proved: the first reason of the two sides. */
export const problemOf = ({ closing, opening }: OutageVerdict): string | undefined =>
  opening.problem !== undefined
    ? `its beginning: ${opening.problem}`
    : closing?.problem !== undefined
    ? `its end: ${closing.problem}`
    : undefined

/** What of an outage is proved, for those who have neither the store nor the network; nothing if not even its beginning is. */
export const provedOf = ({ closing, opening }: OutageVerdict): OutageProofFile | undefined => {
  const [began, ended] = [opening, closing].map((side) =>
    side?.problem === undefined ? side?.verdict?.proof?.certificate : undefined
  )
  return began === undefined ? undefined : { opening: began, ...ended !== undefined && { closing: ended } }
}

interface SideOptions {
  readonly target: Target
  readonly up: boolean
  readonly by: RosterFileOf
  /** The step that the outage began with, of its end. */
  readonly after?: number | undefined
  /** What the store calls the outage, of its beginning: that tells the step. */
  readonly id?: string
}

const sideOf = (certificate: Certificate, { after = 0, by, id = "", target, up }: SideOptions): Side => {
  const verdict = judge(certificate, undefined, by)
  const named = /^seq-(\d+)-/.exec(id)?.[1]
  const problem = verdict.invalid !== undefined
    ? verdict.invalid.problem
    : targetKey(certificate.T) !== targetKey(target)
    ? "its certificate is of another target"
    : statusOf(certificate.seq) !== up
    ? `its certificate says that the target is ${up ? "down" : "up"}`
    : certificate.seq <= after
    ? `its certificate is of step ${certificate.seq}, and the outage began with step ${after}`
    : named !== undefined && Number(named) !== certificate.seq
    ? `its certificate is of step ${certificate.seq}, and its id is of step ${named}`
    : undefined
  return { verdict, problem }
}

const sideOfStore = (decision: OutageDecision | undefined, options: SideOptions): Side => {
  const certificate = decision?.proof?.certificate
  return certificate === undefined
    ? {
      verdict: undefined,
      problem: decision === undefined
        ? "it ended without a decision: nobody serves the target any more, or the next outage showed that it was over"
        : "no certificate is stored: it was decided without signatures"
    }
    : sideOf(certificate, options)
}

const time = (millis: number): string => new Date(millis).toISOString()

/** The store may have another time than the votes: of that there is no proof. */
const timeNote = (what: string, at: number, side: Side | undefined): ReadonlyArray<string> => {
  const proof = side?.verdict?.proof
  return proof === undefined || Math.abs(at - proof.newest) <= maxSpread
    ? []
    : [`the store has ${time(at)} for ${what}, and the last of its votes was observed at ${time(proof.newest)}`]
}

const gapNote = (began: number | undefined, ended: number | undefined, where: string): ReadonlyArray<string> =>
  began !== undefined && ended !== undefined && ended > began + 1
    ? [`of the steps between ${began} and ${ended} nothing is ${where}: the target may have been up meanwhile`]
    : []

/** The outages whose ids begin so: one where it is a whole id, and of several no more than are worth naming. */
export const outagesOf = Effect.fn("outagesOf")(function*(id: string) {
  const store = yield* OutageStore
  const whole = Option.toArray(yield* Stream.runHead(store.find({ id })))
  return whole.length > 0 || id === ""
    ? whole
    : yield* Stream.runCollect(Stream.take(store.find({ idStart: id }), 4))
})

/** Judges what the store has to prove an outage of it. */
export const outageProof = Effect.fn("outageProof")(function*(outage: Outage, by: RosterFileOf) {
  const store = yield* OutageStore
  const decisions = yield* store.decisions(outage.id)
  const [down, up] = [false, true].map((up) => decisions.find((decision) => decision.up === up))
  const { target } = outage
  const opening = sideOfStore(down, { target, up: false, by, id: outage.id })
  const began = opening.verdict?.certificate.seq
  const closing = outage.end === undefined ? undefined : sideOfStore(up, { target, up: true, by, after: began })
  const verdict: OutageVerdict = {
    outage,
    opening,
    closing,
    notes: [
      ...outage.proof?.late === true
        ? ["it is marked late: a decision on it was learnt long after it was observed"]
        : [],
      ...gapNote(began, closing?.verdict?.certificate.seq, "stored"),
      ...timeNote("its beginning", outage.start, opening),
      ...outage.end === undefined ? [] : timeNote("its end", outage.end, closing)
    ]
  }
  return verdict
})

/** Judges what a file proves of an outage. It says nothing that is not signed, so all of it follows from the votes. */
export const exportedProof = (file: OutageProofFile, by: RosterFileOf): OutageVerdict => {
  const { seq, T: target } = file.opening
  const opening = sideOf(file.opening, { target, up: false, by })
  const closing = file.closing && sideOf(file.closing, { target, up: true, by, after: seq })
  const [start, end] = [opening, closing].map((side) =>
    side?.problem === undefined ? side?.verdict?.proof?.newest : undefined
  )
  return {
    outage: {
      id: decisionIdOf(target, seq),
      target,
      start,
      // Observations of different voters: as the store has it, it lasted a millisecond at least.
      end: start === undefined || end === undefined ? end : Math.max(end, start + 1)
    },
    opening,
    closing,
    notes: closing === undefined
      ? ["the file has no end of it: when it was written, the outage was open, or its end not proved"]
      : gapNote(seq, closing.verdict?.certificate.seq, "in the file")
  }
}
