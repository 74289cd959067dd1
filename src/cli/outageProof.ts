import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { describeInvalid } from "../consensus/sealed/Invalid.ts"
import { judgeVotes } from "../consensus/sealed/judgeVotes.ts"
import { statusOf } from "../consensus/sealed/Register.ts"
import type { Rosters } from "../consensus/sealed/Rosters.ts"
import { maxSpread, verify } from "../consensus/sealed/verify.ts"
import type { Outage } from "../domain/Outage.ts"
import { targetKey } from "../domain/Target.ts"
import type { FinalizeMessage } from "../domain/wire/Consensus.ts"
import type { Certificate } from "../domain/wire/Seal.ts"
import { type OutageDecision, OutageStore } from "../store/OutageStore.ts"
import type { Verdict } from "./text/proofText.ts"

/** Judges a certificate, and the decision that it came with, if it did. */
export const judge = (
  certificate: Certificate,
  message: FinalizeMessage | undefined,
  rosters: Rosters
): Verdict => {
  const verified = verify(certificate, message, rosters)
  return {
    certificate,
    votes: judgeVotes(certificate, rosters),
    proof: Result.getOrUndefined(verified),
    invalid: Result.isFailure(verified) ? verified.failure : undefined
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
  readonly outage: Outage
  readonly opening: Side
  /** Undefined while it is open. */
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

const sideOf = (
  outage: Outage,
  up: boolean,
  decision: OutageDecision | undefined,
  rosters: Rosters,
  after = 0
): Side => {
  const certificate = decision?.proof?.certificate
  if (certificate === undefined) {
    return {
      verdict: undefined,
      problem: decision === undefined
        ? "it ended without a decision: nobody serves the target any more, or the next outage showed that it was over"
        : "no certificate is stored: it was decided without signatures"
    }
  }
  const verdict = judge(certificate, undefined, rosters)
  const problem = verdict.invalid !== undefined
    ? describeInvalid(verdict.invalid)
    : targetKey(certificate.T) !== targetKey(outage.target)
    ? "its certificate is of another target"
    : statusOf(certificate.seq) !== up
    ? `its certificate says that the target is ${up ? "down" : "up"}`
    : certificate.seq <= after
    ? `its certificate is of step ${certificate.seq}, and the outage began with step ${after}`
    : undefined
  return { verdict, problem }
}

const time = (millis: number): string => new Date(millis).toISOString()

/** The store may have another time than the votes: of that there is no proof. */
const timeNote = (what: string, at: number, side: Side | undefined): ReadonlyArray<string> => {
  const proof = side?.verdict?.proof
  return proof === undefined || Math.abs(at - proof.newest) <= maxSpread
    ? []
    : [`the store has ${time(at)} for ${what}, and the last of its votes was observed at ${time(proof.newest)}`]
}

/** Reads an outage from the store and judges what proves it. None when the store does not have it. */
export const outageProof = Effect.fn("outageProof")(function*(id: string, rosters: Rosters) {
  const store = yield* OutageStore
  const outage = Option.getOrUndefined(yield* Stream.runHead(store.find({ id })))
  if (outage === undefined) return undefined
  const decisions = yield* store.decisions(id)
  const [down, up] = [false, true].map((up) => decisions.find((decision) => decision.up === up))
  const opening = sideOf(outage, false, down, rosters)
  const began = opening.verdict?.certificate.seq
  const closing = outage.end === undefined ? undefined : sideOf(outage, true, up, rosters, began)
  const ended = closing?.verdict?.certificate.seq
  const verdict: OutageVerdict = {
    outage,
    opening,
    closing,
    notes: [
      ...outage.proof?.late === true
        ? ["it is marked late: a decision on it was learnt long after it was observed"]
        : [],
      ...began !== undefined && ended !== undefined && ended > began + 1
        ? [`of the steps between ${began} and ${ended} nothing is stored: the target may have been up meanwhile`]
        : [],
      ...timeNote("its beginning", outage.start, opening),
      ...outage.end === undefined ? [] : timeNote("its end", outage.end, closing)
    ]
  }
  return verdict
})
