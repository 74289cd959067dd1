import type { Roster } from "../../../src/consensus/sealed/Roster.ts"
import { type Target, targetFields } from "../../../src/domain/Target.ts"
import { type FinalizeMessage, proposalTarget } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import type { By } from "./By.ts"
import { judgesOf } from "./judgesOf.ts"
import { majority } from "./majority.ts"

/** The register of a target at one node, in one of its lives: what it took last, and when. */
export interface Register {
  readonly seq: number
  readonly epoch: number
  /** Milliseconds since the start of the simulation. */
  readonly at: number
  /** By the clock of the node. */
  readonly wall: number
  /** The newest observation, as the voters say; by clocks that are wrong it may be older than what was decided before. */
  readonly newest: number
  readonly isInOrder: boolean
  /** It was more than 2 minutes old, or on the disk when the node started. */
  readonly isLate: boolean
}

/** The longest that the observations of a certificate are apart, and after which it is late. */
const spread = 60_000
const lateAfter = 120_000

/** A register as a certificate makes it. */
export const registerOf = (
  { epoch, seq, votes }: Certificate,
  { at, before, isKept, wall }: {
    readonly at: number
    readonly wall: number
    readonly before: Register | undefined
    readonly isKept: boolean
  }
): Register => {
  const newest = votes.reduce((newest, { observedAt }) => Math.max(newest, Date.parse(observedAt)), -Infinity)
  return {
    seq,
    epoch,
    at,
    wall,
    newest,
    isInOrder: before === undefined || (before.isInOrder && newest > before.newest),
    isLate: isKept || wall - newest > lateAfter
  }
}

/** Whether `to` is the step after `from`: by one, and at first to down or up. */
export const isNext = (from: number, to: number): boolean => to === from + 1 || (from === 0 && to === 2)

/** What a certificate lacks that a node takes, by the text of the specification; `isTrue`: whether a vote was given so, or with a stolen key. */
export const certificateProblem = (
  certificate: Certificate,
  { by, isTrue, message, rosters }: {
    readonly by: By
    readonly rosters: ReadonlyMap<number, Roster>
    readonly isTrue: (voter: string, observedAt: string) => boolean
    /** What it came with. */
    readonly message: FinalizeMessage | undefined
  }
): string | undefined => {
  const { T: target, cluster, epoch, seq, votes } = certificate
  const roster = rosters.get(epoch)
  if (roster === undefined || roster.cluster !== cluster || epoch > by.epoch) {
    return `of the epoch ${epoch} of ${cluster}, which it does not know`
  }
  if (epoch < by.minEpoch) return `of the epoch ${epoch}, which is retired: nothing before ${by.minEpoch} counts`
  if (!Number.isSafeInteger(seq) || seq < 1) return `for the seq ${seq}, which says no status`
  const differs = message !== undefined && messageProblem(message, target, seq % 2 === 0)
  if (differs) return `in a message ${differs}`
  const judges = judgesOf(roster, target)
  const voters = votes.map(({ voter }) => voter)
  const odd = voters.find((voter, i) => !judges.includes(voter) || voters.indexOf(voter) !== i)
  if (odd !== undefined) return `with a vote of ${odd} that does not count`
  if (voters.length < majority(judges.length)) {
    return `with ${voters.length} votes, of ${judges.length} who may judge it`
  }
  const times = votes.map(({ observedAt }) => Date.parse(observedAt))
  const apart = Math.max(...times) - Math.min(...times)
  if (!(apart <= spread)) return `with observations that are ${apart / 1_000} s apart`
  const forged = votes.find(({ observedAt, voter }) => !isTrue(voter, observedAt))
  return forged === undefined ? undefined : `with a vote that ${forged.voter} never gave`
}

const messageProblem = (
  { Passed, Proposal }: FinalizeMessage,
  target: Target,
  up: boolean
): string | undefined => {
  if (!Passed) return "that says it did not pass"
  const about = targetFields(proposalTarget(Proposal))
  const fields = targetFields(target)
  if (about.some((field, i) => field !== fields[i])) return "that is about another target"
  return Proposal.ProposedStatus === up ? undefined : "that says the opposite"
}
