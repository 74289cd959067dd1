import { type Target, type TargetKey, targetKey } from "../../domain/Target.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import { wireTimeMillis } from "../../domain/wire/WireTime.ts"
import { possibleTime } from "../possibleTime.ts"

interface Taken {
  readonly seq: number
  /** By our clock. */
  readonly at: number
  readonly decidedAt: number
}

/** When the registers of targets took their last steps. As many as there are registers. All times in milliseconds. */
export class StepTimes {
  readonly #taken = new Map<TargetKey, Taken>()

  /** Tells the seq before. */
  take(certificate: Certificate, now: number): number {
    const key = targetKey(certificate.T)
    const before = this.#taken.get(key)?.seq ?? 0
    this.#taken.set(key, { seq: certificate.seq, at: now, decidedAt: this.decidedAt(certificate, now) })
    return before
  }

  /** When we took the last step, by our clock: what was seen before led to that one. */
  since(target: Target): number | undefined {
    return this.#taken.get(targetKey(target))?.at
  }

  /** Whether a status stands for less than `minimum`, by those who saw it. A clock that was set back does not make it longer. */
  isWithin(target: Target, minimum: number, now: number): boolean {
    const taken = this.#taken.get(targetKey(target))
    return taken !== undefined && Math.abs(now - taken.decidedAt) < minimum
  }

  /**
   * When a step was decided: its newest observation, as the voters say; but after what was decided before, so that an outage ends
   * after it began, whatever their clocks.
   */
  decidedAt({ T: target, seq, votes }: Certificate, now: number): number {
    const before = this.#taken.get(targetKey(target))
    if (before?.seq === seq) return before.decidedAt
    const newest = Math.max(...votes.map(({ observedAt }) => wireTimeMillis(observedAt) ?? -Infinity))
    return before === undefined ? newest : Math.max(newest, possibleTime(before.decidedAt, now) + 1)
  }

  delete(target: Target): void {
    this.#taken.delete(targetKey(target))
  }

  /** Our clock was set back to `now`. */
  setBack(now: number): void {
    for (const [key, taken] of this.#taken) if (taken.at > now) this.#taken.set(key, { ...taken, at: now })
  }
}
