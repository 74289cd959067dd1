import { Ballot } from "../../../src/consensus/Ballot.ts"
import type { BallotCore } from "../../../src/consensus/BallotCore.ts"
import type { BallotLimits } from "../../../src/consensus/Limits.ts"
import { PreferBallot } from "../../../src/consensus/sealed/PreferBallot.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { SealedBallot } from "../../../src/consensus/sealed/SealedBallot.ts"
import type { Target } from "../../../src/domain/Target.ts"
import type { Plan } from "../plan/Plan.ts"
import { signerOf } from "../world/signerOf.ts"
import type { TargetKeys } from "../world/TargetKeys.ts"

/** A core with what the simulation asks of it. */
export interface Core {
  readonly ballot: BallotCore
  /** Certificates decide. */
  readonly isSealed: boolean
  /** What is beyond its bounds, if anything. */
  readonly problem: () => string | undefined
  /** How many late certificates wait to be followed. */
  readonly held: () => number
}

/** Bounds for floods. */
const small = {
  weight: 48 * 1024,
  hardWeight: 96 * 1024,
  senderWeight: 24 * 1024,
  decided: 32,
  earlyProposals: 16,
  strangers: 4,
  targets: 64
} satisfies BallotLimits

/** Proposals that may be open where nobody floods: each monitor one a target, and each way, and those of strangers. */
const usual = 400

/** The core of a node. */
export const makeCore = (
  { plan, watch: { keys } }: { readonly plan: Plan; readonly watch: { readonly keys: TargetKeys } },
  node: string,
  isVoter: boolean,
  rosters: Rosters,
  keyName: string
): Core => {
  const limits = plan.small ? small : {}
  const signer = isVoter ? signerOf(node, keyName) : undefined
  if (plan.mode === "require") {
    const known = new Set(plan.targets.map((target) => keys.of(target)))
    const ballot = new SealedBallot({
      node,
      isVoter,
      signer,
      rosters,
      knows: (target: Target) => known.has(keys.of(target)),
      minimumTime: () => plan.minimumStateTime,
      limits
    })
    return { ballot, isSealed: true, problem: () => sealedProblem(plan, ballot.size()), held: () => ballot.size().held }
  }
  const ballot = new Ballot({ node, isVoter, limits })
  return {
    ballot: plan.mode === "prefer" ? new PreferBallot({ ballot, isGated: true, rosters, signer }) : ballot,
    isSealed: false,
    problem: () => openProblem(plan, ballot.size()),
    held: () => 0
  }
}

const openProblem = (plan: Plan, size: ReturnType<Ballot["size"]>): string | undefined => {
  if (!plan.small) return size.open > usual ? `${size.open} proposals are open` : undefined
  if (size.weight > small.hardWeight) return `the ballot weighs ${size.weight}`
  if (size.decided > small.decided) return `${size.decided} ids are remembered as decided`
  return size.early > small.earlyProposals ? `votes for ${size.early} unknown proposals are kept` : undefined
}

const sealedProblem = (plan: Plan, size: ReturnType<SealedBallot["size"]>): string | undefined => {
  const targets = plan.targets.length
  for (const what of ["registers", "held", "publications", "asked", "foreign"] as const) {
    if (size[what] > targets) return `${size[what]} ${what} for ${targets} targets`
  }
  if (!plan.small) return size.open > usual ? `${size.open} proposals are open` : undefined
  if (size.open > small.weight / 512) return `${size.open} proposals are open`
  if (size.closed > small.decided) return `${size.closed} closed proposals are remembered`
  return size.ahead > small.earlyProposals ? `votes for ${size.ahead} steps that are not proposed are kept` : undefined
}
