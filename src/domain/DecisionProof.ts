import type { Certificate } from "./wire/Seal.ts"

/** What stands behind a decision of sealed consensus (`docs/consensus.md`, "Sealed consensus"). */
export interface DecisionProof {
  /** The step of the target's register: odd = down, even = up. Of two decisions on a target the higher one stands, whatever their times. */
  readonly seq: number
  /** It was learnt long after it was observed: what follows from it is marked so. */
  readonly late: boolean
  /** The signed votes. Missing where only the step was kept. */
  readonly certificate?: Certificate
}
