import type { Target } from "../../domain/Target.ts"
import { earlyVoteTime } from "../Timing.ts"
import { stepKey } from "./Register.ts"
import type { SealedVote } from "./seals.ts"
import { StepVotes } from "./StepVotes.ts"

interface Waiting {
  readonly votes: StepVotes
  last: number
}

/**
 * Votes for steps that are not proposed here: they came before the proposal, or it was lost. They are checked before they come in, so nobody
 * without a key fills it. Bounded: the step that was touched first goes.
 */
export class AheadVotes {
  readonly #steps: number
  readonly #waiting = new Map<string, Waiting>()

  constructor(options: { readonly steps: number }) {
    this.#steps = options.steps
  }

  get size(): number {
    return this.#waiting.size
  }

  get(target: Target, seq: number): StepVotes | undefined {
    return this.#waiting.get(stepKey(target, seq))?.votes
  }

  add(target: Target, vote: SealedVote, now: number): void {
    const key = stepKey(target, vote.seq)
    const there = this.#waiting.get(key) ?? { votes: new StepVotes(target, vote.seq), last: now }
    there.votes.add(vote)
    there.last = now
    this.#waiting.delete(key)
    this.#waiting.set(key, there)
    if (this.#waiting.size > this.#steps) this.#waiting.delete(this.#waiting.keys().next().value!)
  }

  /** The votes for a step, which are no longer kept here. */
  take(target: Target, seq: number): StepVotes | undefined {
    const key = stepKey(target, seq)
    const there = this.#waiting.get(key)
    this.#waiting.delete(key)
    return there?.votes
  }

  forget(now: number): void {
    for (const [key, { last }] of this.#waiting) {
      if (last + earlyVoteTime > now) return
      this.#waiting.delete(key)
    }
  }

  clear(): void {
    this.#waiting.clear()
  }
}
