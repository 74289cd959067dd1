import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Ballot } from "../src/consensus/Ballot.ts"
import type { BallotEvent } from "../src/consensus/BallotEvent.ts"
import { newPrivateKey, publicKeyText } from "../src/consensus/sealed/ed25519.ts"
import { Rosters } from "../src/consensus/sealed/Rosters.ts"
import { SealedBallot } from "../src/consensus/sealed/SealedBallot.ts"
import { sealProposal, sealVote } from "../src/consensus/sealed/seals.ts"
import { cheapSigner, type Signer, signerOf } from "../src/consensus/sealed/Signer.ts"
import { type Target, targetKey } from "../src/domain/Target.ts"
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

/** A member of a roster that signs: cheaply as simulations do, or with Ed25519. */
const members = {
  cheap: () => monitors.map((id) => cheapSigner(id)),
  ed25519: () =>
    monitors.map((id) => {
      const privateKey = newPrivateKey()
      return signerOf(id, { publicKey: publicKeyText(privateKey), privateKey: Redacted.make(privateKey) })
    })
}

/**
 * What `monitor-1` of seven hears and does in the mode `require`: of each target, that never was decided, a proposal, its own observation,
 * six votes, and the decision of the proposer. Votes after the quorum come too late, as on the bus.
 */
const sealedLife = (signers: ReadonlyArray<Signer["Service"]>, count: number) => {
  const events: Array<readonly [BallotEvent, number]> = []
  const epoch = { cluster: "bench", epoch: 1 }
  for (let i = 0; i < count; i++) {
    const [at, target, seq, up] = [start + i * 10, targetOf(i), 1, false]
    const id = `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`
    const proposer = signers[1 + i % 6]!
    const plain = makeProposal({ id, sender: proposer.id, target, up, error: "connection refused", data: null, at })
    const proposal = sealProposal(proposer, epoch, plain, seq)
    const votes = signers.slice(1).map((signer) => ({
      signer,
      seal: sealVote(signer, epoch, { target, seq, up, observedAt: at })
    }))
    const ofTarget: ReadonlyArray<BallotEvent> = [
      { _tag: "Proposal", proposal },
      { _tag: "Observed", id: `${seq} ${targetKey(target)}`, up, observedAt: at },
      ...votes.map(({ seal, signer: { id: node } }): BallotEvent => ({
        _tag: "Vote",
        vote: { ProposalID: id, SenderNodeID: node, NodeID: node, Agree: true, Timestamp: at, Seq: seq, Seal: seal }
      })),
      {
        _tag: "Decision",
        message: {
          Proposal: proposal,
          SenderNodeID: proposer.id,
          Passed: true,
          DecidedAt: at,
          Certificate: {
            ...epoch,
            T: target,
            seq,
            votes: votes.slice(0, 4).map(({ seal: { observedAt, sig }, signer: { id: voter } }) => ({
              voter,
              observedAt,
              sig
            }))
          }
        }
      },
      ...(i % 100 === 0 ? [{ _tag: "Tick" } as const] : [])
    ]
    for (const event of ofTarget) events.push([event, at])
  }
  return events
}

/** Events that one sealed ballot takes per second. */
const sealed = (kind: keyof typeof members, count: number, lives: number): number => {
  const signers = members[kind]()
  const rosters = Result.getOrThrow(
    Rosters.from([{
      cluster: "bench",
      epoch: 1,
      minEpoch: 1,
      members: signers.map(({ id, publicKey }) => ({ id, key: publicKey, role: "IBPMonitor", ipv6: true }))
    }], { simulated: true })
  )
  const events = sealedLife(signers, count)
  let best = 0
  for (let turn = 0; turn < lives; turn++) {
    const ballot = new SealedBallot({ node: monitors[0]!, isVoter: true, signer: signers[0]!, rosters })
    let decided = 0
    const begin = performance.now()
    for (const [event, at] of events) {
      for (const effect of ballot.handle(event, at)) if (effect._tag === "Apply") decided++
    }
    best = Math.max(best, events.length / (performance.now() - begin) * 1_000)
    if (decided !== count) throw new Error(`decided ${decided} of ${count} targets`)
  }
  return best
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
  const [count, lives] = smoke ? [500, 2] : [2_000, 5]
  return Promise.resolve([
    atLeast("ballot: events", best, "events/s", 500_000),
    atLeast("ballot: sealed, cheap signer", sealed("cheap", count, lives), "events/s", 50_000),
    atLeast("ballot: sealed, ed25519", sealed("ed25519", count, lives), "events/s", 10_000)
  ])
}
