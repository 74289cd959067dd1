import { describeTarget } from "../../domain/Target.ts"
import type { Paint } from "../explanationText.ts"
import { type OutageVerdict, problemOf, type Side } from "../outageProof.ts"
import { plain } from "./plain.ts"
import { proofDocument, proofText } from "./proofText.ts"
import { timeText } from "./span.ts"

/** ` from … to …`, as far as it is known. */
const spanOf = ({ end, start }: OutageVerdict["outage"], isStored: boolean): string =>
  [
    ...start === undefined ? [] : [` from ${timeText(start)}`],
    ...end !== undefined
      ? [` to ${timeText(end)}`]
      : isStored
      ? [" on, and still open"]
      : start === undefined
      ? []
      : [" on"]
  ].join("")

/** Who saw that an outage began and ended, and whether that proves it. */
export const outageProofText = (
  verdict: OutageVerdict,
  options: {
    readonly room: number | undefined
    readonly paint: Paint
    /** It is from a store, which has its times, and knows whether it is open. */
    readonly isStored: boolean
  }
): ReadonlyArray<string> => {
  const { isStored, paint } = options
  const { closing, notes, opening, outage } = verdict
  const problem = problemOf(verdict)
  const sideText = (title: string, { problem, verdict }: Side): ReadonlyArray<string> => [
    "",
    paint.bold(title),
    ...verdict === undefined ? [] : proofText(verdict, options),
    // What is wrong with the certificate itself is said with it.
    ...problem === undefined || verdict?.invalid !== undefined ? [] : [paint.bad(`Not proved: ${plain(problem)}.`)]
  ]
  return [
    `Outage ${plain(outage.id)}`,
    `${paint.bold(plain(describeTarget(outage.target)))}: down${spanOf(outage, isStored)}`,
    ...sideText("Its beginning", opening),
    ...closing === undefined ? [] : sideText("Its end", closing),
    "",
    ...notes.map((note) => `Note: ${plain(note)}.`),
    problem === undefined
      ? paint.good(
        closing !== undefined
          ? "The outage is proved."
          : isStored
          ? "The outage is proved, as far as it is over."
          : "That the outage began is proved."
      )
      : paint.bad("The outage is not proved.")
  ]
}

const sideDocument = ({ problem, verdict }: Side) => ({
  ...verdict !== undefined && proofDocument(verdict),
  proves: problem === undefined,
  ...problem !== undefined && { problem }
})

/** The same for programs. */
export const outageProofDocument = (verdict: OutageVerdict) => {
  const { closing, notes, opening, outage } = verdict
  return {
    proves: problemOf(verdict) === undefined,
    outage: {
      id: outage.id,
      ...outage.target,
      ...outage.start !== undefined && { start: new Date(outage.start).toISOString() },
      ...outage.end !== undefined && { end: new Date(outage.end).toISOString() },
      ...outage.proof !== undefined && { seq: outage.proof.seq, late: outage.proof.late }
    },
    opening: sideDocument(opening),
    ...closing !== undefined && { closing: sideDocument(closing) },
    notes
  }
}
