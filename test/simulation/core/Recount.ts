import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import type { Target } from "../../../src/domain/Target.ts"
import { type Proposal, proposalTarget, type Vote } from "../../../src/domain/wire/Consensus.ts"
import type { By } from "../world/By.ts"
import { judgesOf } from "../world/judgesOf.ts"
import { majority } from "../world/majority.ts"
import { nameOf, statusText } from "../world/Story.ts"
import type { Watch } from "../world/Watch.ts"

interface Step {
  readonly target: Target
  readonly seq: number
  /** Id → when it came, of the proposals that are open. */
  readonly open: Map<string, number>
  readonly votes: Map<string, { readonly up: boolean; readonly at: number }>
  last: number
}

/** How long votes are kept whose proposal has not come, and how far apart those of one certificate are. Milliseconds. */
const earlyTime = 120_000
const spread = 60_000

/**
 * Counts once more what a monitor says that it took for evidence (mode `require`): whether it takes a step as soon as a quorum saw
 * it, gives one up as soon as none can, and lets nothing older replace what it counted.
 */
export class Recount {
  readonly #node: string
  readonly #watch: Watch
  readonly #steps = new Map<string, Step>()
  #touched: Step | undefined

  constructor(node: string, watch: Watch) {
    this.#node = node
    this.#watch = watch
  }

  #step(target: Target, seq: number, now: number): Step {
    const key = `${seq} ${this.#watch.keys.of(target)}`
    let step = this.#steps.get(key)
    if (step === undefined) this.#steps.set(key, step = { target, seq, open: new Map(), votes: new Map(), last: now })
    if (step.open.size === 0 && step.last + earlyTime <= now) step.votes.clear()
    this.#touched = step
    return step
  }

  /** Votes of another epoch are no evidence. */
  clear(): void {
    this.#steps.clear()
  }

  opened(proposal: Proposal, now: number): void {
    if (proposal.Seal === undefined || proposal.Seq === undefined || proposal.Seq === 0) return
    this.#step(proposalTarget(proposal), proposal.Seq, now).open.set(proposal.ID, now)
  }

  closed({ proposal, votes }: Extract<BallotEffect, { _tag: "Rejected" }>): void {
    const key = `${proposal.Seq ?? 0} ${this.#watch.keys.of(proposalTarget(proposal))}`
    const step = this.#steps.get(key)
    if (step === undefined) return
    step.open.delete(proposal.ID)
    if (step.open.size === 0) this.#steps.delete(key)
    const differs = Object.keys(votes).some((voter) => votes[voter] !== (step.votes.get(voter)?.up === isUp(step.seq)))
    if (differs) this.#violated(step, "closes it with votes that it did not count")
  }

  voted(vote: Vote, target: Target, up: boolean, now: number): void {
    const { NodeID: voter, Seal: seal, Seq: seq } = vote
    if (seal === undefined || seq === undefined || seq === 0) return
    const step = this.#step(target, seq, now)
    const at = Date.parse(seal.observedAt)
    const before = step.votes.get(voter)
    // It tells of its own votes as often as it says them, and takes no two of one second.
    if (before !== undefined && voter === this.#node && Math.abs(at - before.at) < 1_000) return
    if (before !== undefined && before.at >= at) this.#violated(step, `takes what ${voter} saw before for newer`)
    step.votes.set(voter, { up, at })
    step.last = now
  }

  /** What follows from the event has been done. `by`: its life, and the epoch of its roster. */
  judge(by: Pick<By, "id" | "life" | "epoch">): void {
    const step = this.#touched
    this.#touched = undefined
    if (step === undefined || step.open.size === 0 || this.#watch.seq(by, step.target) >= step.seq) return
    const n = judgesOf(this.#watch.rosters.get(by.epoch), step.target).length
    const votes = [...step.votes.values()]
    const yes = votes.filter(({ up }) => up === isUp(step.seq))
    if (yes.some(({ at }) => yes.filter((one) => one.at <= at && at - one.at <= spread).length >= majority(n))) {
      this.#violated(step, "does not take it, though a quorum saw it")
    }
    const since = Math.min(...step.open.values())
    const no = votes.filter(({ at, up }) => up !== isUp(step.seq) && at >= since)
    if (no.length > n - majority(n)) this.#violated(step, "keeps it open, though no quorum is left for it")
  }

  #violated({ seq, target }: Step, what: string): void {
    this.#watch.violated("P4", `${this.#node}: ${nameOf(target)} ${statusText(isUp(seq))} (seq ${seq}): it ${what}`)
  }
}

const isUp = (seq: number): boolean => seq % 2 === 0
