import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Ballot } from "../../src/consensus/Ballot.ts"
import type { BallotEffect } from "../../src/consensus/BallotEffect.ts"
import type { BallotEvent } from "../../src/consensus/BallotEvent.ts"
import type { BallotLimits } from "../../src/consensus/Limits.ts"
import type { Target } from "../../src/domain/Target.ts"
import { finalize, monitors, only, proposal, start, Table, target, vote } from "./fixtures.ts"

const limits: BallotLimits = {
  weight: 12_000,
  hardWeight: 24_000,
  senderWeight: 6_000,
  decided: 10,
  earlyProposals: 4,
  strangers: 3,
  targets: 8
}

const member = fc.constantFrom("A", "B", "C")
const node = fc.constantFrom("m1", "m2", "m3", "m4", "m5", "x1", "x2")
/** An id says what it stands for, but for some that lie. */
const id = fc.tuple(member, fc.boolean(), fc.integer({ min: 0, max: 3 })).map(([m, up, n]) =>
  `${m}${up ? "+" : "-"}${n}`
)
const ofId = (id: string): { target: Target; up: boolean } => ({
  target: { ...target, member: id[0] ?? "A" },
  up: id[1] === "+"
})
const someProposal = fc.tuple(id, node, fc.boolean()).map(([id, sender, lies]) =>
  proposal({ id, sender, ...ofId(id), ...(lies ? { up: id[1] === "-" } : {}) })
)
const truthfully = fc.tuple(id, node).map(([id, sender]) => proposal({ id, sender, ...ofId(id) }))

const event: fc.Arbitrary<BallotEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(id).map(([id]): BallotEvent => ({ _tag: "Propose", id, ...ofId(id), error: "", data: null }))
  },
  {
    weight: 6,
    arbitrary: fc.oneof({ weight: 9, arbitrary: truthfully }, { weight: 1, arbitrary: someProposal }).map((
      proposal
    ): BallotEvent => ({ _tag: "Proposal", proposal }))
  },
  {
    weight: 20,
    arbitrary: fc.tuple(node, id, fc.boolean(), fc.integer({ min: 0, max: 3 })).map((
      [node, id, agree, at]
    ): BallotEvent => ({
      _tag: "Vote",
      vote: vote(node, agree, { id, at })
    }))
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      truthfully,
      node,
      fc.boolean(),
      fc.integer({ min: -400_000, max: 400_000 }),
      fc.dictionary(fc.oneof(node, fc.string({ maxLength: 300 })), fc.boolean(), { maxKeys: 80 })
    ).map(
      ([proposal, sender, passed, shift, votes]): BallotEvent => ({
        _tag: "Decision",
        message: finalize({ proposal, sender, passed, at: start + shift, votes })
      })
    )
  },
  {
    weight: 8,
    arbitrary: fc.tuple(id, fc.constantFrom(true, false, undefined)).map(([id, up]): BallotEvent => ({
      _tag: "Observed",
      id,
      up
    }))
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.uniqueArray(node), fc.integer({ min: 1, max: 3 })).map((
      [members, minimumVotes]
    ): BallotEvent => ({
      _tag: "Electorate",
      members: new Set(members),
      minimumVotes
    }))
  },
  { weight: 6, arbitrary: fc.constant<BallotEvent>({ _tag: "Tick" }) }
)

const step = fc.tuple(
  event,
  fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 2_000 }) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 700_000 })
  })
)
/** Begins with an electorate of three, so that things are decided. */
const life = fc.array(step, { maxLength: 150, size: "max" }).map((steps): typeof steps => [
  [{ _tag: "Electorate", members: monitors(3), minimumVotes: 2 }, 0],
  ...steps
])

const play = (
  steps: ReadonlyArray<readonly [BallotEvent, number]>,
  check: (effects: ReadonlyArray<BallotEffect>, event: BallotEvent, ballot: Ballot) => void,
  isVoter = true
): void => {
  const ballot = new Ballot({ node: "m1", isVoter, limits })
  let now = start
  for (const [event, pause] of steps) {
    now += pause
    check(ballot.handle(event, now), event, ballot)
  }
}

describe("Ballot, whatever happens", () => {
  it("passes and rejects only with a majority of distinct nodes of the electorate that voted so", () => {
    fc.assert(fc.property(life, (steps) => {
      const said = new Set<string>()
      const saying = (id: string, node: string, agree: boolean) => JSON.stringify([id, node, agree])
      let electorate: ReadonlySet<string> = new Set()
      let minimum = 2
      play(steps, (effects, event) => {
        if (event._tag === "Electorate") {
          electorate = event.members
          minimum = event.minimumVotes
        }
        for (const { vote } of only(effects, "Voted")) said.add(saying(vote.ProposalID, vote.NodeID, vote.Agree))
        const passed = only(effects, "Apply").filter(({ decision }) =>
          event._tag !== "Decision" && decision.decidedBy === "m1"
        )
        const rejected = only(effects, "Rejected").filter(({ reason }) => reason === "voted-down")
        const closed = [
          ...passed.map(({ decision }) => [decision.id, true] as const),
          ...rejected.map(({ proposal }) => [proposal.ID, false] as const)
        ]
        for (const [id, agree] of closed) {
          const voters = [...electorate].filter((node) => said.has(saying(id, node, agree)))
          assert.isAtLeast(voters.length, Math.max(Math.floor(electorate.size / 2) + 1, minimum))
        }
      })
    }))
  })

  it("decides no id twice, and no id both ways", () => {
    fc.assert(fc.property(life, (steps) => {
      const decided = new Map<string, boolean>()
      const limit = limits.decided
      play(steps, (effects) => {
        for (const { again, decision } of only(effects, "Apply")) {
          if (decided.size <= limit) assert.strictEqual(decided.has(decision.id), again)
          if (again) assert.strictEqual(decided.get(decision.id), decision.up)
          decided.set(decision.id, decision.up)
        }
      })
    }))
  })

  it("votes as it observed, and says the same ever after", () => {
    fc.assert(fc.property(life, (steps) => {
      const meaning = new Map<string, boolean>()
      const votes = new Map<string, string>()
      play(steps, (effects, event) => {
        for (const { proposal } of only(effects, "Proposed")) meaning.set(proposal.ID, proposal.ProposedStatus)
        for (const { vote } of only(effects, "PublishVote")) {
          const said = JSON.stringify(vote)
          if (event._tag === "Observed") assert.strictEqual(vote.Agree, event.up === meaning.get(vote.ProposalID))
          else assert.strictEqual(said, votes.get(vote.ProposalID))
          votes.set(vote.ProposalID, said)
        }
      })
    }))
  })

  it("keeps within its bounds, and forgets everything in the end", () => {
    fc.assert(fc.property(life, (steps) => {
      let last: Ballot | undefined
      play(steps, (_, __, ballot) => {
        const size = ballot.size()
        assert.isAtLeast(size.weight, 0)
        assert.isAtMost(size.decided, limits.decided)
        assert.isAtMost(size.early, limits.earlyProposals)
        assert.isAtMost(size.targets, limits.targets + size.open)
        last = ballot
      })
      const end = start + 400 * 24 * 3_600_000
      for (let i = 0; i < 4; i++) last?.handle({ _tag: "Tick" }, end + i * 30 * 60_000)
      assert.deepStrictEqual(
        last?.size() ?? {},
        last === undefined ? {} : {
          open: 0,
          closed: 0,
          early: 0,
          decided: 0,
          targets: 0,
          weight: 0
        }
      )
    }))
  })

  it("is silent as an observer", () => {
    fc.assert(fc.property(life, (steps) => {
      play(steps, (effects) => {
        for (const { _tag } of effects) {
          assert.notInclude(["PublishProposal", "PublishVote", "PublishDecision", "Observe"], _tag)
        }
      }, false)
    }))
  })

  it("does the same again for the same events", () => {
    fc.assert(fc.property(life, (steps) => {
      const run = () => {
        const all: Array<ReadonlyArray<BallotEffect>> = []
        play(steps, (effects) => all.push(effects))
        return all
      }
      assert.deepStrictEqual(run(), run())
    }))
  })
})

describe("Ballot under a flood", () => {
  const others = (i: number) => ({ ...target, member: `member ${i}` })

  it("of proposals: one sender takes at most its share, all together no more than there is room for", () => {
    const table = new Table({ limits })
    const dropped: Array<string> = []
    for (let i = 0; i < 1_000; i++) {
      const effects = table.receive(proposal({ id: `p${i}`, sender: `s${i < 500 ? 0 : i}`, target: others(i) }))
      dropped.push(...only(effects, "Dropped").map(({ reason }) => reason))
      assert.isAtMost(table.ballot.size().weight, limits.weight)
    }
    assert.deepStrictEqual(new Set(dropped), new Set(["full"]))
    const bySender = Map.groupBy(table.ballot.proposals(), ({ proposal }) => proposal.SenderNodeID)
    assert.isAtMost(bySender.get("s0")!.length * 512, limits.senderWeight)
    // Our own always has room.
    assert.include(table.propose().map(({ _tag }) => _tag), "PublishProposal")
    table.vote("m2", true, { id: "own" })
    assert.include(table.vote("m3", true, { id: "own" }).map(({ _tag }) => _tag), "Apply")
  })

  it("of proposals that are closed: those make room", () => {
    const table = new Table({ limits })
    for (let i = 0; i < 1_000; i++) {
      const id = `p${i}`
      assert.isEmpty(only(table.receive(proposal({ id, target: others(i) })), "Dropped"))
      table.vote("m2", false, { id })
      table.vote("m3", false, { id })
    }
    assert.isAtMost(table.ballot.size().weight, limits.weight)
  })

  it("of votes by invented voters: they count for nothing and push nobody out", () => {
    const table = new Table({ monitors: 5, limits })
    table.receive(proposal())
    table.vote("m2")
    for (let i = 0; i < 10_000; i++) table.vote(`invented ${i}`, false)
    assert.isAtMost(table.ballot.size().weight, limits.weight)
    table.vote("m3")
    const [apply] = only(table.vote("m4"), "Apply")
    assert.deepStrictEqual(apply!.decision.votes, { m2: true, m3: true, m4: true })
  })

  it("of votes for unknown ids, by invented voters: the electorate's come first", () => {
    const table = new Table({ monitors: 5, limits })
    for (let i = 0; i < 10_000; i++) {
      table.vote(`invented ${i}`, false)
      table.vote("m2", true, { id: `unknown ${i % 3}` })
    }
    table.vote("m3", true, { at: 1 })
    assert.isAtMost(table.ballot.size().early, limits.earlyProposals)
    table.receive(proposal())
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m3: true })
  })

  it("of forged decisions: bounded, and the memory of ids with it", () => {
    const table = new Table({ limits })
    for (let i = 0; i < 1_000; i++) table.decide({ proposal: proposal({ id: `p${i}`, target: others(i) }) })
    const size = table.ballot.size()
    assert.isAtMost(size.decided, limits.decided)
    assert.isAtMost(size.targets, limits.targets)
    assert.isAtMost(size.weight, limits.weight)
  })

  it("of megabyte strings: names are refused, texts cut, data left out", () => {
    const table = new Table()
    const long = "x".repeat(1_000_000)
    const refused = [
      table.receive(proposal({ id: long })),
      table.receive(proposal({ sender: long })),
      table.receive(proposal({ target: { ...target, member: long } })),
      table.receive(proposal({ target: { ...target, endpoint: long } })),
      table.vote(long),
      table.vote("m2", true, { id: long }),
      table.decide({ proposal: proposal({ id: "d", target: { ...target, check: long } }) }),
      table.decide({ sender: long })
    ]
    for (const effects of refused) {
      assert.deepStrictEqual(only(effects, "Dropped").map(({ reason }) => reason), ["too-long"])
      assert.isAtMost(only(effects, "Dropped")[0]!.sender.length, 64)
    }
    const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], null)
    for (const data of [long, { [long]: 1 }, [long], Array.from({ length: 10_000 }, () => 0), deep]) {
      const fresh = new Table()
      fresh.receive(proposal({ error: long, data }))
      const [open] = fresh.ballot.proposals()
      assert.strictEqual(open!.proposal.ErrorText.length, 1_024)
      assert.isNull(open!.proposal.Data)
      assert.isBelow(fresh.ballot.size().weight, 10_000)
    }
    assert.isBelow(table.ballot.size().weight, 10_000)
  })
})
