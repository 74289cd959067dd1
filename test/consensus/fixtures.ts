import { Ballot } from "../../src/consensus/Ballot.ts"
import type { BallotEffect } from "../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../src/consensus/BallotEvent.ts"
import type { BallotLimits } from "../../src/consensus/Limits.ts"
import type { Target } from "../../src/domain/Target.ts"
import { type FinalizeMessage, makeProposal, type Proposal, type Vote } from "../../src/domain/wire/Consensus.ts"

export const target: Target = {
  checkType: "endpoint",
  check: "wss",
  member: "Lagoon",
  domain: "rpc.example",
  endpoint: "wss://rpc.example/polkadot",
  ipv6: false
}

/** A proposal that the target is down, unless it says otherwise. */
export const proposal = (
  options: {
    id?: string
    sender?: string
    up?: boolean
    at?: number
    target?: Target
    error?: string
    data?: unknown
  } = {}
): Proposal =>
  makeProposal({
    id: options.id ?? "p1",
    sender: options.sender ?? "m2",
    target: options.target ?? target,
    up: options.up ?? false,
    error: options.error ?? "",
    data: options.data ?? null,
    at: options.at ?? 0
  })

export const vote = (
  node: string,
  agree = true,
  options: { id?: string; at?: number; sender?: string } = {}
): Vote => ({
  ProposalID: options.id ?? "p1",
  SenderNodeID: options.sender ?? node,
  NodeID: node,
  Agree: agree,
  Timestamp: options.at ?? 0
})

export const finalize = (
  options: {
    proposal?: Proposal
    sender?: string
    passed?: boolean
    at?: number
    votes?: Readonly<Record<string, boolean>>
  } = {}
): FinalizeMessage => ({
  Proposal: options.proposal ?? proposal(),
  SenderNodeID: options.sender ?? "m3",
  Passed: options.passed ?? true,
  DecidedAt: options.at ?? start,
  ...options.votes !== undefined && { Votes: options.votes }
})

/** Not the epoch, so that a time that was forgotten shows. */
export const start = Date.parse("2026-04-21T08:00:00Z")

export const monitors = (count: number): ReadonlySet<string> =>
  new Set(Array.from({ length: count }, (_, i) => `m${i + 1}`))

/** A ballot of `m1` with a clock, and an electorate of m1 … mN. */
export class Table {
  readonly ballot: Ballot
  now = start

  constructor(
    options: { monitors?: number; minimumVotes?: number; isVoter?: boolean; limits?: Partial<BallotLimits> } = {}
  ) {
    this.ballot = new Ballot({
      node: "m1",
      isVoter: options.isVoter ?? true,
      ...(options.limits === undefined ? {} : { limits: options.limits })
    })
    this.electorate(monitors(options.monitors ?? 3), options.minimumVotes)
  }

  handle(event: BallotEvent): ReadonlyArray<BallotEffect> {
    return this.ballot.handle(event, this.now)
  }

  electorate(members: ReadonlySet<string>, minimumVotes = 2): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Electorate", members, minimumVotes })
  }

  propose(up = false, id = "own", of: Target = target): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Propose", id, target: of, up, error: "timeout", data: null })
  }

  receive(message: Proposal): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Proposal", proposal: message })
  }

  vote(...args: Parameters<typeof vote>): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Vote", vote: vote(...args) })
  }

  decide(options: Parameters<typeof finalize>[0] = {}): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Decision", message: finalize({ at: this.now, ...options }) })
  }

  observed(up: boolean | undefined, id = "p1"): ReadonlyArray<BallotEffect> {
    return this.handle({ _tag: "Observed", id, up })
  }

  /** Lets seconds pass, one tick each. */
  pass(seconds: number): ReadonlyArray<BallotEffect> {
    return passed(this, seconds)
  }
}

/** Lets seconds pass at a core, one tick each. */
export const passed = (
  table: { now: number; readonly handle: (event: BallotEvent) => ReadonlyArray<BallotEffect> },
  seconds: number
): ReadonlyArray<BallotEffect> => {
  const effects: Array<BallotEffect> = []
  for (let i = 0; i < seconds; i++) {
    table.now += 1_000
    effects.push(...table.handle({ _tag: "Tick" }))
  }
  return effects
}

export const tags = (effects: ReadonlyArray<BallotEffect>): ReadonlyArray<string> => effects.map(({ _tag }) => _tag)

/** The effects of one kind. */
export const only = <T extends BallotEffect["_tag"]>(
  effects: ReadonlyArray<BallotEffect>,
  tag: T
): ReadonlyArray<Extract<BallotEffect, { _tag: T }>> =>
  effects.filter((effect): effect is Extract<BallotEffect, { _tag: T }> => effect._tag === tag)
