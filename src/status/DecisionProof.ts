export type { DecisionProof } from "../domain/DecisionProof.ts"
