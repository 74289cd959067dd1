import { type Target, targetKey } from "../../domain/Target.ts"

/**
 * The register of a target holds one number, `seq`: 0 = never decided, odd = down, even = up. Steps: n → n + 1, and 0 → 2.
 * So one (T, seq) has one possible status, and of two certificates for a target the one with the higher seq wins.
 */

/** What a seq says: whether the target is up. Undefined for 0, and for what is no seq. */
export const statusOf = (seq: number): boolean | undefined =>
  Number.isSafeInteger(seq) && seq > 0 ? seq % 2 === 0 : undefined

/** The step from `seq` to a status; undefined when that is what `seq` says already, or there is no further step. */
export const nextSeq = (seq: number, up: boolean): number | undefined => {
  const next = seq === 0 && up ? 2 : seq + 1
  return statusOf(next) === up ? next : undefined
}

/** Whether a proposal of the step `to` may be voted on by who stands at `from`. */
export const isStep = (from: number, to: number): boolean => {
  const up = statusOf(to)
  return up !== undefined && nextSeq(from, up) === to
}

/** The identity of a step (T, seq). */
export const stepKey = (target: Target, seq: number): string => `${seq} ${targetKey(target)}`
