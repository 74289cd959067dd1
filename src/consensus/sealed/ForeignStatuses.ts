import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import type { BallotEffect } from "../BallotEffect.ts"

type Foreign = Extract<BallotEffect, { _tag: "Foreign" }>

/** What outsiders decided otherwise than we hold. It moves nothing, and people are shown it. */
export class ForeignStatuses {
  readonly #limit: number
  readonly #differing = new Map<TargetKey, boolean>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#differing.size
  }

  /** Outsiders decided `up`, and we hold `ours`. What there is to tell. */
  decided(target: Target, up: boolean, ours: boolean | undefined): ReadonlyArray<Foreign> {
    const key = targetKey(target)
    const differs = up !== ours
    if (differs === this.#differing.has(key)) return []
    if (!differs) return this.agreed(target)
    if (this.#differing.size >= this.#limit) return []
    this.#differing.set(key, up)
    return [{ _tag: "Foreign", target, up, differs }]
  }

  /** They hold what we hold: they said so, or we decided, which they follow. What there is to tell. */
  agreed(target: Target): ReadonlyArray<Foreign> {
    const key = targetKey(target)
    const up = this.#differing.get(key)
    this.#differing.delete(key)
    return up === undefined ? [] : [{ _tag: "Foreign", target, up, differs: false }]
  }
}
