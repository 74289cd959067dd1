import { createHash } from "node:crypto"
import { type Target, targetKey } from "../../domain/Target.ts"

/** The id of a decision that a certificate proves: the same at every node, whoever proposed it. */
export const decisionIdOf = (target: Target, seq: number): string =>
  `seq-${seq}-${createHash("sha256").update(targetKey(target)).digest("hex").slice(0, 32)}`
