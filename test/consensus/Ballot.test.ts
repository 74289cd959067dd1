import { assert, describe, it } from "@effect/vitest"
import { noTime } from "../../src/domain/wire/WireTime.ts"
import { finalize, monitors, only, proposal, start, Table, tags, target, vote } from "./fixtures.ts"

const minutes = (count: number) => count * 60

describe("Ballot: proposing", () => {
  it("sends the proposal, and looks at the target before it votes", () => {
    const table = new Table()
    const effects = table.propose()
    assert.deepStrictEqual(tags(effects), ["Proposed", "PublishProposal", "Observe"])
    assert.deepStrictEqual(only(effects, "PublishProposal")[0]!.proposal, {
      ID: "own",
      SenderNodeID: "m1",
      CheckType: "endpoint",
      CheckName: "wss",
      MemberName: "Lagoon",
      DomainName: "rpc.example",
      Endpoint: "wss://rpc.example/polkadot",
      ProposedStatus: false,
      ErrorText: "timeout",
      Data: null,
      IsIPv6: false,
      Timestamp: start
    })
    assert.deepStrictEqual(only(effects, "Observe")[0], { _tag: "Observe", id: "own", target, up: false, from: "m1" })
  })

  it("does not repeat an identical open proposal, but votes on it again", () => {
    const table = new Table()
    table.propose()
    table.observed(false, "own")
    assert.deepStrictEqual(tags(table.propose(false, "other")), [])
    table.now += 5_000
    assert.deepStrictEqual(tags(table.propose(false, "other")), ["PublishVote"])
    assert.lengthOf(table.ballot.proposals(), 1)
  })

  it("votes on what another has proposed already instead of proposing it", () => {
    const table = new Table()
    table.receive(proposal())
    table.observed(undefined)
    assert.deepStrictEqual(tags(table.propose()), ["Observe"])
    assert.deepStrictEqual(table.ballot.proposals().map((open) => open.proposal.ID), ["p1"])
  })

  it("proposes what another proposed before it was so: its vote against that never changes", () => {
    const table = new Table()
    table.receive(proposal())
    table.observed(true)
    assert.include(tags(table.propose()), "PublishProposal")
    table.observed(false, "own")
    assert.deepStrictEqual(tags(table.propose(false, "other")), [])
    assert.deepStrictEqual(table.ballot.proposals().map((open) => open.proposal.ID), ["p1", "own"])
  })

  it("sends its open proposal again every 10 s, however often it is proposed", () => {
    const table = new Table()
    table.propose()
    const sent = Array.from({ length: 29 }, () => [...table.propose(), ...table.pass(1)])
    assert.deepStrictEqual(
      sent.flatMap((effects, i) => only(effects, "PublishProposal").map(() => i + 1)),
      [10, 20]
    )
  })

  it("sends its vote with the proposal again: both were lost if its connection was away", () => {
    const table = new Table()
    table.propose()
    table.observed(false, "own")
    const again = table.pass(10)
    assert.deepStrictEqual(tags(again), ["PublishProposal", "PublishVote"])
    assert.deepStrictEqual(only(again, "PublishVote")[0]!.vote, vote("m1", true, { id: "own", at: start }))
    assert.deepStrictEqual([...table.pass(4), ...table.propose(false, "other")], [])
    table.now += 6_000
    assert.deepStrictEqual(tags(table.propose(false, "other")), ["PublishProposal", "PublishVote"])
  })

  it("sends no vote twice at once, and none that it has not given", () => {
    const table = new Table({ monitors: 5 })
    table.propose()
    assert.deepStrictEqual(tags(table.pass(10)), ["PublishProposal"])
    table.observed(false, "own")
    const sent = Array.from({ length: 70 }, () => tags(table.pass(1)).filter((tag) => tag === "PublishVote").length)
    assert.isAtMost(Math.max(...sent), 1)
    assert.strictEqual(sent.reduce((sum, count) => sum + count, 0), 7)
  })

  it("may propose the opposite of what is open", () => {
    const table = new Table()
    table.receive(proposal({ up: true }))
    assert.deepStrictEqual(tags(table.propose(false)), ["Proposed", "PublishProposal", "Observe"])
  })

  it("takes another id for another target, check or IP version", () => {
    const table = new Table()
    table.propose(false, "a")
    for (
      const [id, other] of [
        ["b", { ...target, ipv6: true }],
        ["c", { ...target, check: "ssl" }],
        ["d", { ...target, endpoint: "wss://rpc.example/kusama" }]
      ] as const
    ) assert.include(tags(table.propose(false, id, other)), "PublishProposal")
    assert.lengthOf(table.ballot.proposals(), 4)
  })

  it("proposes nothing as an observer", () => {
    assert.deepStrictEqual(new Table({ isVoter: false }).propose(), [])
  })
})

describe("Ballot: voting", () => {
  it("agrees exactly when it observes what is proposed", () => {
    for (const up of [true, false]) {
      for (const seen of [true, false]) {
        const table = new Table()
        assert.deepStrictEqual(tags(table.receive(proposal({ up }))), ["Proposed", "Observe"])
        const effects = table.observed(seen)
        assert.deepStrictEqual(only(effects, "PublishVote")[0]!.vote, {
          ProposalID: "p1",
          SenderNodeID: "m1",
          NodeID: "m1",
          Agree: up === seen,
          Timestamp: start
        })
      }
    }
  })

  it("does not vote on a target that it has not observed, and looks again with the next attempt", () => {
    const table = new Table()
    table.receive(proposal())
    assert.deepStrictEqual(tags(table.observed(undefined)), ["Abstained"])
    assert.deepStrictEqual(tags(table.pass(29)), [])
    assert.deepStrictEqual(tags(table.pass(1)), ["Observe"])
    assert.deepStrictEqual(only(table.observed(false), "PublishVote").map(({ vote }) => vote.Agree), [true])
  })

  it("gives its vote once, whatever it sees later", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    table.observed(false)
    assert.deepStrictEqual(table.observed(true), [])
    const again = table.pass(30)
    assert.deepStrictEqual(only(again, "PublishVote").map(({ vote }) => [vote.Agree, vote.Timestamp]), [[true, start]])
  })

  it("votes again when the proposer asks again, but not at every copy", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
    table.observed(false)
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
    table.now += 10_000
    assert.deepStrictEqual(tags(table.receive(proposal())), ["PublishVote"])
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
  })

  it("counts one vote per node, the latest of one that changes its mind", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    table.vote("m2", true, { at: 1 })
    table.vote("m2", true, { at: 2 })
    table.vote("m2", false, { at: 3 })
    table.vote("m3", true, { at: 1 })
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m2: false, m3: true })
  })

  it("counts the latest vote also when the network turned them round", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    table.vote("m2", false, { at: 3 })
    assert.deepStrictEqual(table.vote("m2", true, { at: 1 }), [])
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m2: false })
  })

  it("lets nobody vote in its name, or in that of another", () => {
    const table = new Table()
    table.receive(proposal())
    assert.deepStrictEqual(table.vote("m1"), [{ _tag: "Dropped", what: "vote", reason: "own-id", sender: "m1" }])
    assert.deepStrictEqual(
      table.vote("m2", true, { sender: "m3" }),
      [{ _tag: "Dropped", what: "vote", reason: "mismatch", sender: "m3" }]
    )
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, {})
  })

  it("takes the vote of an older node, which names itself only once", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2", true, { sender: "" })
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m2: true })
  })

  it("never votes or publishes as an observer", () => {
    const table = new Table({ isVoter: false })
    assert.deepStrictEqual(tags(table.receive(proposal())), ["Proposed"])
    table.now += 10_000
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
    assert.deepStrictEqual(tags(table.pass(30)), [])
    assert.deepStrictEqual(tags(table.vote("m2")), ["Voted"])
    assert.deepStrictEqual(tags(table.vote("m3")), ["Voted"], "who follows is told what is decided")
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
    assert.deepStrictEqual(tags(table.decide()), ["Apply"])
  })

  it("closes as an observer what is turned down", () => {
    const table = new Table({ isVoter: false })
    table.receive(proposal())
    table.vote("m2", false)
    assert.deepStrictEqual(tags(table.vote("m3", false)), ["Voted", "Rejected"])
  })
})

describe("Ballot: the majority", () => {
  /** How many votes for it pass a proposal among so many monitors; undefined when none do. */
  const needed = (total: number, agree: boolean, minimumVotes?: number): number | undefined => {
    const table = new Table({
      monitors: total,
      ...(minimumVotes === undefined ? {} : { minimumVotes })
    })
    table.receive(proposal())
    for (let i = 1; i <= total; i++) {
      // The ballot is m1's, so it takes no vote of m1 from others.
      const node = i === total ? "m1" : `m${i + 1}`
      const effects = node === "m1" ? table.observed(agree ? false : true) : table.vote(node, agree)
      if (tags(effects).some((tag) => tag === (agree ? "Apply" : "Rejected"))) return i
    }
    return undefined
  }

  it("is more than half of the monitors that are active, on either side", () => {
    for (const agree of [true, false]) {
      assert.deepStrictEqual([3, 4, 5, 6, 7, 8].map((total) => needed(total, agree)), [2, 3, 3, 4, 4, 5])
    }
  })

  it("closes what is split when all have voted, so that the next observation asks anew", () => {
    const table = new Table({ monitors: 4 })
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3", false)
    assert.notInclude(tags(table.vote("m4", false)), "Rejected")
    const effects = table.observed(false)
    assert.deepStrictEqual(only(effects, "Rejected").map(({ reason }) => reason), ["split"])
    assert.deepStrictEqual(only(effects, "PublishDecision"), [])
  })

  it("is never fewer than two votes", () => {
    const two = new Table({ monitors: 2 })
    two.receive(proposal())
    assert.notInclude(tags(two.vote("m2")), "Apply")
    assert.include(tags(two.observed(false)), "Apply")
    const one = new Table({ monitors: 1 })
    one.propose()
    assert.deepStrictEqual(tags(one.observed(false, "own")), ["PublishVote", "Voted"])
  })

  it("is one vote for a monitor that is told to decide alone", () => {
    const table = new Table({ monitors: 1, minimumVotes: 1 })
    table.propose()
    assert.deepStrictEqual(
      tags(table.observed(false, "own")),
      ["PublishVote", "Voted", "Apply", "PublishDecision"]
    )
  })

  it("needs more than a minimum of one when there are more monitors", () => {
    assert.strictEqual(needed(7, true, 1), 4)
    assert.strictEqual(needed(3, true, 3), 3)
    assert.strictEqual(needed(2, true, 3), undefined)
    const table = new Table({ monitors: 3, minimumVotes: 3 })
    table.receive(proposal())
    table.vote("m2")
    assert.notInclude(tags(table.vote("m3")), "Apply")
    assert.include(tags(table.observed(false)), "Apply")
  })

  it("counts only the electorate", () => {
    const table = new Table()
    table.receive(proposal())
    for (const stranger of ["x1", "x2", "x3", "x4"]) assert.deepStrictEqual(tags(table.vote(stranger)), ["Voted"])
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, {})
    table.vote("m2")
    const [apply] = only(table.vote("m3"), "Apply")
    assert.deepStrictEqual(apply!.decision.votes, { m2: true, m3: true })
  })

  it("counts a vote that came before its voter was known to be a monitor", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    table.observed(false)
    table.vote("m2")
    table.vote("m6")
    const [apply] = only(table.electorate(new Set(["m1", "m2", "m3", "m4", "m6"])), "Apply")
    assert.deepStrictEqual(apply!.decision.votes, { m1: true, m2: true, m6: true })
  })

  it("passes when monitors fall away", () => {
    const table = new Table({ monitors: 7 })
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    table.vote("m4")
    assert.include(tags(table.electorate(monitors(5))), "Apply")
  })

  it("applies and publishes, with time, votes and reason", () => {
    const table = new Table()
    table.receive(proposal({ error: "timeout", data: { ms: 3 } }))
    table.observed(false)
    table.now += 250
    const effects = table.vote("m2")
    assert.deepStrictEqual(tags(effects), ["Voted", "Apply", "PublishDecision"])
    assert.deepStrictEqual(only(effects, "Apply")[0], {
      _tag: "Apply",
      decision: {
        id: "p1",
        target,
        up: false,
        error: "timeout",
        data: { ms: 3 },
        decidedAt: start + 250,
        decidedBy: "m1",
        votes: { m1: true, m2: true }
      },
      again: false,
      openFor: 250
    })
    assert.deepStrictEqual(only(effects, "PublishDecision")[0]!.message, {
      Proposal: proposal({ error: "timeout", data: { ms: 3 } }),
      SenderNodeID: "m1",
      Passed: true,
      DecidedAt: start + 250,
      Votes: { m1: true, m2: true }
    })
    assert.deepStrictEqual(table.ballot.proposals(), [])
  })

  it("rejects when the majority is against it", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2", false)
    const effects = table.vote("m3", false)
    assert.deepStrictEqual(tags(effects), ["Voted", "Rejected", "PublishDecision"])
    const [rejected] = only(effects, "Rejected")
    assert.deepStrictEqual([rejected!.reason, rejected!.votes], ["voted-down", { m2: false, m3: false }])
    assert.isFalse(only(effects, "PublishDecision")[0]!.message.Passed)
    assert.deepStrictEqual(table.ballot.proposals(), [])
  })
})

describe("Ballot: time", () => {
  it("closes a proposal without a majority after three attempts of 30 s", () => {
    const table = new Table()
    table.receive(proposal())
    table.observed(false)
    assert.deepStrictEqual(tags(table.pass(89)), ["PublishVote", "PublishVote"])
    const effects = table.pass(1)
    assert.deepStrictEqual(only(effects, "Rejected").map(({ reason }) => reason), ["expired"])
    assert.notInclude(tags(effects), "PublishDecision")
  })

  it("closes it after the first when no monitor is active at all", () => {
    const table = new Table({ monitors: 0, isVoter: false })
    table.receive(proposal())
    assert.deepStrictEqual(tags(table.pass(29)), [])
    assert.deepStrictEqual(tags(table.pass(1)), ["Rejected"])
  })

  it("does not lose the proposals of a node whose clock is wrong", () => {
    for (const at of [noTime, 0, start - 86_400_000, start + 86_400_000]) {
      const table = new Table()
      table.receive(proposal({ at }))
      table.pass(60)
      table.vote("m2", true, { at })
      assert.include(tags(table.vote("m3", true, { at: noTime })), "Apply")
    }
  })

  it("decides by its own clock, later than what was decided before", () => {
    const table = new Table()
    table.decide({ proposal: proposal({ id: "a", up: true }), at: start + 120_000 })
    table.receive(proposal({ id: "b" }))
    table.vote("m2", true, { id: "b" })
    const [apply] = only(table.vote("m3", true, { id: "b" }), "Apply")
    assert.strictEqual(apply!.decision.decidedAt, start + 120_001)
  })

  it("goes on when its clock is set back far", () => {
    const table = new Table()
    table.decide({ proposal: proposal({ id: "a", up: true }) })
    table.now -= minutes(60) * 1_000
    table.receive(proposal({ id: "b" }))
    table.vote("m2", true, { id: "b" })
    const [apply] = only(table.vote("m3", true, { id: "b" }), "Apply")
    assert.strictEqual(apply!.decision.decidedAt, table.now)
  })

  it("forgets a proposal 10 minutes after it first saw it, and that it was decided after a day", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    table.pass(minutes(10) - 1)
    assert.strictEqual(table.ballot.size().closed, 1)
    table.pass(1)
    assert.strictEqual(table.ballot.size().closed, 0)
    assert.strictEqual(table.ballot.size().weight, 0)
    table.now += 24 * 3_600_000 - minutes(11) * 1_000
    table.pass(1)
    assert.strictEqual(table.ballot.size().decided, 1)
    table.now += minutes(2) * 1_000
    table.pass(1)
    assert.strictEqual(table.ballot.size().decided, 0)
  })

  it("keeps votes that come before their proposal for two minutes after the last", () => {
    const table = new Table({ monitors: 5 })
    table.vote("m2")
    table.pass(100)
    table.vote("m3")
    table.pass(100)
    table.receive(proposal())
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m2: true, m3: true })
    table.vote("m2", true, { id: "p2" })
    table.pass(120)
    assert.strictEqual(table.ballot.size().early, 0)
  })

  it("decides at once when the votes were there before the proposal", () => {
    const table = new Table()
    table.vote("m2")
    table.vote("m3")
    assert.deepStrictEqual(tags(table.receive(proposal())), ["Proposed", "Apply", "PublishDecision"])
  })
})

describe("Ballot: decisions of others", () => {
  it("applies one with the votes it knows, and closes its own proposal", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    table.vote("m2")
    const effects = table.decide()
    assert.deepStrictEqual(tags(effects), ["Apply"])
    assert.deepStrictEqual(only(effects, "Apply")[0]!.decision.votes, { m2: true })
    assert.strictEqual(only(effects, "Apply")[0]!.decision.decidedBy, "m3")
    assert.deepStrictEqual(table.ballot.proposals(), [])
  })

  it("takes the votes that it has not heard from the decision, and its own word before that", () => {
    const told = { m1: false, m2: true, m3: true, m4: true, ["x".repeat(257)]: true, "": true }
    const open = new Table({ monitors: 3, isVoter: false })
    open.receive(proposal())
    open.vote("m2", false)
    const early = new Table({ monitors: 3, isVoter: false })
    early.vote("m2", false)
    const expired = new Table({ monitors: 3, isVoter: false })
    expired.receive(proposal())
    expired.vote("m2", false)
    expired.pass(90)
    for (const table of [open, early, expired]) {
      const [apply] = only(table.decide({ votes: told }), "Apply")
      // A vote of this node is known to it alone; m4 it had not heard of yet.
      assert.deepStrictEqual(apply!.decision.votes, { m2: false, m3: true, m4: true })
      const { weight } = table.ballot.size()
      table.decide({ votes: { m5: true }, at: table.now + 5 })
      assert.strictEqual(table.ballot.size().weight, weight)
      table.pass(minutes(11))
      assert.strictEqual(table.ballot.size().weight, 0)
    }
  })

  it("knows only the votes that it heard when the decision tells none, as those of v2", () => {
    for (const votes of [undefined, {}]) {
      const table = new Table({ isVoter: false })
      table.vote("m2")
      const [apply] = only(table.decide(votes === undefined ? {} : { votes }), "Apply")
      assert.deepStrictEqual(apply!.decision.votes, { m2: true })
    }
  })

  it("keeps a vote as it heard it, also of a monitor that it does not count yet", () => {
    const open = new Table({ monitors: 2, isVoter: false })
    open.receive(proposal())
    open.vote("m3", false)
    const early = new Table({ monitors: 2, isVoter: false })
    early.vote("m3", false)
    for (const table of [open, early]) {
      table.vote("x1", true)
      const [apply] = only(table.decide({ votes: { m2: true, m3: true } }), "Apply")
      assert.deepStrictEqual(apply!.decision.votes, { m2: true, m3: false })
    }
  })

  it("weighs what is closed by the votes that are kept, and takes what it is told of that has room with it", () => {
    const votes = { m2: true, m3: true }
    const room = 2 * (512 + 200)
    const table = new Table({ monitors: 5, isVoter: false, limits: { weight: room } })
    table.receive(proposal())
    const bare = table.ballot.size().weight
    for (let i = 0; i < 10; i++) table.vote(`x${i}`)
    table.decide({ votes })
    assert.strictEqual(table.ballot.size().weight, bare + 2 * (64 + 2))
    // What is closed makes room for the votes, but for what they are about.
    table.pass(1)
    const others = proposal({ id: "p2", target: { ...target, member: "other" } })
    table.receive(others)
    const [apply] = only(table.decide({ proposal: others, votes: { m2: true, m3: true, m4: true } }), "Apply")
    assert.deepStrictEqual(apply!.decision.votes, { m2: true, m3: true, m4: true })
    assert.isFalse(apply!.again)
    assert.isAtMost(table.ballot.size().weight, room)
  })

  it("does not forget what it hears of again, to make room for it", () => {
    const first = proposal()
    const table = new Table({ monitors: 5, isVoter: false, limits: { weight: 1_200 } })
    table.decide({ proposal: first })
    table.receive(proposal({ id: "p2", target: { ...target, member: "other" } }))
    for (const voter of ["m2", "m3"]) table.vote(voter, true, { id: "p2" })
    assert.isAbove(table.ballot.size().weight, 1_200)
    assert.strictEqual(table.ballot.size().closed, 1)
    assert.isTrue(only(table.decide({ proposal: first, at: table.now + 1 }), "Apply")[0]!.again)
  })

  it("takes at most 64 votes from a decision, and none for which there is no room", () => {
    const votes = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`v${i}`, true]))
    const [apply] = only(new Table().decide({ votes }), "Apply")
    assert.lengthOf(Object.keys(apply!.decision.votes), 64)
    // Room for the proposal, or for the votes that are told.
    const full = new Table({ limits: { weight: 4_500 } })
    full.vote("m2")
    const [bare] = only(full.decide({ votes }), "Apply")
    assert.deepStrictEqual(bare!.decision.votes, { m2: true })
    assert.isAtMost(full.ballot.size().weight, 4_500)
  })

  it("tells the votes for it first, as many as are read", () => {
    const table = new Table({ monitors: 81 })
    table.receive(proposal())
    for (let i = 2; i <= 41; i++) table.vote(`m${i}`, false)
    let told: ReadonlyArray<boolean> = []
    for (let i = 42; i <= 81; i++) table.vote(`m${i}`)
    for (const { message } of only(table.observed(false), "PublishDecision")) told = Object.values(message.Votes!)
    assert.deepStrictEqual([told.length, told.filter((agree) => agree).length], [64, 41])
  })

  it("applies one whose proposal it never saw, with the votes that came early", () => {
    const table = new Table({ monitors: 5 })
    table.vote("m2")
    table.vote("x")
    const [apply] = only(table.decide({ sender: "" }), "Apply")
    assert.deepStrictEqual([apply!.decision.votes, apply!.openFor], [{ m2: true }, undefined])
    assert.strictEqual(apply!.decision.decidedBy, "m2")
  })

  it("does nothing more when several publish the same one", () => {
    const table = new Table()
    table.decide({ at: start })
    assert.deepStrictEqual(table.decide({ sender: "m2", at: start }), [])
    assert.deepStrictEqual(table.decide({ sender: "m2", at: start - 5 }), [])
    const [later] = only(table.decide({ sender: "m2", at: start + 5 }), "Apply")
    assert.isTrue(later!.again)
  })

  it("keeps the votes when a later copy of its decision comes in", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    const [again] = only(table.decide({ at: start + 5 }), "Apply")
    assert.deepStrictEqual(again!.decision.votes, { m2: true, m3: true })
  })

  it("is not stopped by one that says it did not pass", () => {
    const table = new Table()
    table.receive(proposal())
    assert.deepStrictEqual(table.decide({ passed: false }), [])
    table.vote("m2")
    assert.include(tags(table.vote("m3")), "Apply")
  })

  it("takes one for what it has voted down itself, as the others do", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2", false)
    table.vote("m3", false)
    const [apply] = only(table.decide(), "Apply")
    assert.deepStrictEqual([apply!.again, apply!.decision.votes], [false, { m2: false, m3: false }])
  })

  it("does not believe one that is more than five minutes from its clock, and decides by itself", () => {
    for (const at of [start - 301_000, start + 301_000]) {
      const table = new Table()
      table.receive(proposal())
      assert.deepStrictEqual(table.decide({ at }), [
        { _tag: "Dropped", what: "decision", reason: "clock", sender: "m3" }
      ])
      table.vote("m2")
      assert.include(tags(table.vote("m3")), "Apply")
    }
  })

  it("takes one without a time as of now", () => {
    const [apply] = only(new Table().decide({ at: noTime }), "Apply")
    assert.strictEqual(apply!.decision.decidedAt, start)
  })

  it("never lets an id stand for something else", () => {
    const other = { ...target, member: "Other" }
    for (const changed of [proposal({ up: true }), proposal({ target: other })]) {
      const table = new Table()
      table.receive(proposal())
      const mismatch = (what: "proposal" | "decision", sender: string) => [
        { _tag: "Dropped", what, reason: "mismatch", sender } as const
      ]
      assert.deepStrictEqual(table.receive(changed), mismatch("proposal", "m2"))
      assert.deepStrictEqual(table.decide({ proposal: changed }), mismatch("decision", "m3"))
      table.decide()
      assert.deepStrictEqual(table.receive(changed), mismatch("proposal", "m2"))
      assert.deepStrictEqual(table.decide({ proposal: changed, at: start + 1 }), mismatch("decision", "m3"))
    }
  })

  it("decides no id twice, also when it has long forgotten the proposal", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    for (const wait of [1, minutes(11), minutes(60)]) {
      table.pass(wait)
      for (
        const effects of [table.receive(proposal()), table.vote("m2"), table.vote("m3"), table.pass(100)]
      ) assert.notInclude(tags(effects), "Apply")
    }
    assert.deepStrictEqual(table.decide(), [{ _tag: "Dropped", what: "decision", reason: "replay", sender: "m3" }])
    assert.deepStrictEqual(table.receive(proposal()), [
      { _tag: "Dropped", what: "proposal", reason: "replay", sender: "m2" }
    ])
    assert.deepStrictEqual(table.handle({ _tag: "Propose", id: "p1", target, up: true, error: "", data: null }), [
      { _tag: "Dropped", what: "proposal", reason: "replay", sender: "m1" }
    ])
  })
})

describe("Ballot: several proposals for one target", () => {
  it("closes the others when one is decided: their votes are from before", () => {
    const table = new Table()
    table.receive(proposal({ id: "down" }))
    table.receive(proposal({ id: "twin", sender: "m3" }))
    table.receive(proposal({ id: "up", up: true, sender: "m3" }))
    table.receive(proposal({ id: "other", target: { ...target, member: "Other" } }))
    table.vote("m2", true, { id: "down" })
    table.vote("m2", true, { id: "up" })
    const effects = table.vote("m3", true, { id: "up" })
    assert.deepStrictEqual(tags(effects), ["Voted", "Apply", "Rejected", "Rejected", "PublishDecision"])
    assert.deepStrictEqual(only(effects, "Rejected").map(({ proposal, reason }) => [proposal.ID, reason]), [
      ["down", "superseded"],
      ["twin", "superseded"]
    ])
    assert.deepStrictEqual(table.vote("m3", true, { id: "down" }), [])
    assert.deepStrictEqual(table.ballot.proposals().map((open) => open.proposal.ID), ["other"])
  })

  it("keeps a proposal when a decision comes that is older than what is decided", () => {
    const table = new Table()
    table.decide({ proposal: proposal({ id: "a", up: true }), at: start })
    table.receive(proposal({ id: "b" }))
    const effects = table.decide({ proposal: proposal({ id: "c", up: false }), at: start - 60_000 })
    assert.deepStrictEqual(tags(effects), ["Apply"])
    assert.deepStrictEqual(table.ballot.proposals().map((open) => open.proposal.ID), ["b"])
  })
})

describe("Ballot: those who missed something", () => {
  it("sends the decision that it published once more after 10 s, for those who only follow", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    assert.deepStrictEqual(tags(table.pass(9)), [])
    assert.deepStrictEqual(only(table.pass(1), "PublishDecision").map(({ message }) => message), [
      finalize({ sender: "m1", at: start, votes: { m2: true, m3: true } })
    ])
    assert.deepStrictEqual(tags(table.pass(60)), [])
  })

  it("sends the newest decision on the target again, and none that others published", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    table.now += 5_000
    table.decide({ proposal: proposal({ id: "up", up: true }) })
    const again = only(table.pass(10), "PublishDecision")
    assert.deepStrictEqual(again.map(({ message }) => message.Proposal.ID), ["up"])
    const quiet = new Table()
    quiet.decide({ proposal: proposal() })
    assert.deepStrictEqual(tags(quiet.pass(60)), [])
  })

  it("tells a proposer that asks again what was decided, at most every 10 s", () => {
    const table = new Table()
    table.receive(proposal())
    table.vote("m2")
    table.vote("m3")
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
    table.now += 10_000
    const effects = table.receive(proposal())
    assert.deepStrictEqual(only(effects, "PublishDecision").map(({ message }) => message), [
      finalize({ sender: "m1", at: start, votes: { m2: true, m3: true } })
    ])
    assert.deepStrictEqual(tags(table.receive(proposal())), [])
  })

  it("tells it of the decision that closed its proposal unseen", () => {
    const table = new Table()
    table.receive(proposal({ id: "late" }))
    table.decide({ proposal: proposal({ id: "first" }) })
    table.now += 10_000
    const [told] = only(table.receive(proposal({ id: "late" })), "PublishDecision")
    assert.strictEqual(told!.message.Proposal.ID, "first")
  })

  it("tells a voter that still votes what was decided, not one whose vote is just late", () => {
    const table = new Table({ monitors: 5 })
    table.receive(proposal())
    for (const node of ["m2", "m3", "m4"]) table.vote(node)
    assert.deepStrictEqual(table.vote("m5"), [])
    table.now += 10_000
    assert.deepStrictEqual(tags(table.vote("m5")), ["PublishDecision"])
    assert.deepStrictEqual(table.vote("m5"), [])
  })

  it("tells the newest decision, not the one that was asked about", () => {
    const table = new Table()
    table.decide({ proposal: proposal({ id: "down" }) })
    table.now += 1_000
    table.decide({ proposal: proposal({ id: "up", up: true }) })
    table.now += 10_000
    const [told] = only(table.receive(proposal({ id: "down" })), "PublishDecision")
    assert.deepStrictEqual([told!.message.Proposal.ID, told!.message.DecidedAt], ["up", start + 1_000])
  })

  it("gives its vote with a decision from before the proposal, which was voted down: that one closes nothing", () => {
    const table = new Table()
    table.decide({ proposal: proposal({ id: "up", up: true }) })
    table.now += 5_000
    table.receive(proposal())
    table.observed(true)
    table.vote("m2", false)
    table.now += 10_000
    const effects = table.receive(proposal())
    assert.deepStrictEqual(tags(effects), ["PublishDecision", "PublishVote"])
    assert.deepStrictEqual(only(effects, "PublishVote")[0]!.vote, vote("m1", false, { at: start + 5_000 }))
    // A decision since then says all.
    table.decide({ proposal: proposal({ id: "down" }) })
    table.now += 10_000
    assert.deepStrictEqual(tags(table.receive(proposal())), ["PublishDecision"])
  })

  it("gives its vote again for what it holds for voted down", () => {
    const table = new Table()
    table.receive(proposal())
    table.observed(true)
    table.vote("m2", false)
    table.now += 10_000
    const effects = table.receive(proposal())
    assert.deepStrictEqual(effects, [
      { _tag: "PublishVote", vote: vote("m1", false, { at: start }) }
    ])
  })
})
