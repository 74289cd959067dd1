import { Ballot } from "../src/consensus/Ballot.ts"
import type { BallotEvent } from "../src/consensus/BallotEvent.ts"
import type { Target } from "../src/domain/Target.ts"
import { makeProposal } from "../src/domain/wire/Consensus.ts"
import { atLeast, type Benchmark } from "./measure.ts"

const start = Date.parse("2026-04-21T08:00:00Z")
const monitors = Array.from({ length: 7 }, (_, i) => `monitor-${i + 1}`)
const targets = 1_000

const targetOf = (i: number): Target => ({
  checkType: "endpoint",
  check: "wss",
  member: `Member ${i % 30}`,
  domain: `rpc-${i}.bench.example`,
  endpoint: `wss://rpc-${i}.bench.example/network`,
  ipv6: i % 2 === 0
})

/**
 * What `monitor-1` of seven hears and does while every target turns, `rounds` times over: of each proposal, its own
 * observation, six votes, and the decision of three others; a second passes with every hundred targets.
 */
const life = (rounds: number): ReadonlyArray<readonly [event: BallotEvent, at: number]> => {
  const events: Array<readonly [BallotEvent, number]> = [
    [{ _tag: "Electorate", members: new Set(monitors), minimumVotes: 2 }, start]
  ]
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < targets; i++) {
      const at = start + (round * targets + i) * 10
      const id = `${String(round).padStart(8, "0")}-0000-4000-8000-${String(i).padStart(12, "0")}`
      const up = round % 2 === 1
      const sender = monitors[1 + i % 6]!
      const proposal = makeProposal({
        id,
        sender,
        target: targetOf(i),
        up,
        error: up ? "" : "connection refused",
        data: null,
        at
      })
      const ofTarget: ReadonlyArray<BallotEvent> = [
        { _tag: "Proposal", proposal },
        { _tag: "Observed", id, up },
        ...monitors.slice(1).map((node): BallotEvent => ({
          _tag: "Vote",
          vote: { ProposalID: id, SenderNodeID: node, NodeID: node, Agree: true, Timestamp: at }
        })),
        ...monitors.slice(4).map((node): BallotEvent => ({
          _tag: "Decision",
          message: { Proposal: proposal, SenderNodeID: node, Passed: true, DecidedAt: at }
        })),
        ...(i % 100 === 0 ? [{ _tag: "Tick" } as const] : [])
      ]
      for (const event of ofTarget) events.push([event, at])
    }
  }
  return events
}

/** Events that one ballot takes per second; best of some lives, as other load only slows. */
export const run: Benchmark = ({ smoke }) => {
  const rounds = smoke ? 5 : 20
  const events = life(rounds)
  let best = 0
  for (let turn = 0; turn < 7; turn++) {
    const ballot = new Ballot({ node: monitors[0]!, isVoter: true })
    let decided = 0
    const begin = performance.now()
    for (const [event, at] of events) {
      for (const effect of ballot.handle(event, at)) if (effect._tag === "Apply" && !effect.again) decided++
    }
    best = Math.max(best, events.length / (performance.now() - begin) * 1_000)
    if (decided !== rounds * targets) throw new Error(`decided ${decided} of ${rounds * targets} proposals`)
  }
  return Promise.resolve([atLeast("ballot: events", best, "events/s", 500_000)])
}
