import type { DecisionProof } from "../domain/DecisionProof.ts"
import type { Outage } from "../domain/Outage.ts"
import type { OutageDecision } from "../store/OutageStore.ts"

const mark = /-again-(\d+)$/

/** The id of the decision that opened an outage: of one that goes on since its target is served again, that of the first. */
export const openingIdOf = (id: string): string => id.replace(mark, "")

/** Whether two outages of a target follow from one decision. */
export const isOfOneDecision = (a: Outage, b: Outage): boolean =>
  a.proof !== undefined && b.proof !== undefined
    ? a.proof.seq === b.proof.seq
    : openingIdOf(a.id) === openingIdOf(b.id)

/**
 * The outage that begins at `since`, in milliseconds since the epoch, when a target is served again and is still down by the
 * decision that opened `last`; undefined when that is over, or ended after `since`. A row that is closed stays as it is, and the id
 * follows from that row alone: it is the same at all who share a store. `decisions` are those of `last`.
 */
export const servedAgain = (
  outage: Outage,
  { decisions, last, since }: {
    readonly last: Outage
    readonly decisions: ReadonlyArray<OutageDecision>
    readonly since: number
  }
): { readonly outage: Outage; readonly proof: DecisionProof | undefined } | undefined => {
  if (last.end === undefined || since <= last.end || decisions.some(({ up }) => up)) return undefined
  const count = Number(mark.exec(last.id)?.[1] ?? 1) + 1
  const proof = decisions.find(({ up }) => !up)?.proof
  return {
    outage: {
      ...outage,
      id: `${openingIdOf(last.id)}-again-${count}`,
      start: since,
      ...outage.proof !== undefined && {
        proof: { ...outage.proof, certified: outage.proof.certified || proof?.certificate !== undefined }
      }
    },
    proof
  }
}
