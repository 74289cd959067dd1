import type { Target } from "../../domain/Target.ts"
import type { Certificate } from "../../domain/wire/Seal.ts"
import { certificateOf } from "./certificateOf.ts"
import { statusOf } from "./Register.ts"
import { quorum } from "./Roster.ts"
import type { SealedVote } from "./seals.ts"

/** Nobody looks more often, in milliseconds: so one voter makes little work. */
const shortest = 1_000

/**
 * The evidence for one step (T, seq): what each voter saw last, whatever proposal it was asked by. All votes that come in here were
 * checked, and are of one epoch.
 */
export class StepVotes {
  readonly #target: Target
  readonly #seq: number
  readonly #seen = new Map<string, SealedVote>()

  constructor(target: Target, seq: number) {
    this.#target = target
    this.#seq = seq
  }

  /** Whether we hold what this voter saw then, or later: there is no need to check it, nor to add it. */
  holds(voter: string, observedAt: number): boolean {
    const held = this.#seen.get(voter)
    return held !== undefined && held.observedAt + shortest > observedAt
  }

  /** Takes a vote that was checked, in the place of what its voter saw before. */
  add(vote: SealedVote): void {
    this.#seen.set(vote.vote.voter, vote)
  }

  /** Voter → whether it saw what the step says. */
  votes(): Readonly<Record<string, boolean>> {
    return Object.fromEntries(Array.from(this.#seen, ([voter, vote]) => [voter, this.#isYes(vote)]))
  }

  /** The certificate, of an electorate of `n` in this epoch; undefined while there is no quorum within a minute. */
  certificate(
    { cluster, epoch }: { readonly cluster: string; readonly epoch: number },
    n: number
  ): Certificate | undefined {
    const yes = [...this.#seen.values()].filter((vote) => this.#isYes(vote))
    const needed = quorum(n)
    if (yes.length < needed) return undefined
    const votes = yes.map(({ vote }) => vote)
    return certificateOf({ cluster, epoch, target: this.#target, seq: this.#seq, votes, quorum: needed })
  }

  /**
   * Whether so many of `n` voters saw the opposite that the rest are no quorum. Only what they saw since `since` counts, when we first
   * heard of the step: who looked before that has not looked for it, whoever sends its vote again.
   */
  isLost(n: number, since: number): boolean {
    const no = [...this.#seen.values()].filter((vote) => !this.#isYes(vote) && vote.observedAt >= since).length
    return no > n - quorum(n)
  }

  #isYes({ up }: SealedVote): boolean {
    return up === statusOf(this.#seq)
  }
}
