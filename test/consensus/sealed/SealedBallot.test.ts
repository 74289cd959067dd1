import { assert, describe, it } from "@effect/vitest"
import type { BallotEffect } from "../../../src/consensus/BallotEffect.ts"
import { decisionIdOf } from "../../../src/consensus/sealed/decisionIdOf.ts"
import { maxFailedChecks } from "../../../src/consensus/sealed/FailedChecks.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import { verify } from "../../../src/consensus/sealed/verify.ts"
import type { Target } from "../../../src/domain/Target.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { only, tags } from "../fixtures.ts"
import { certificate, decision, member, monitors, roster, rostersOf, start, target } from "./fixtures.ts"
import { plain, proposalOf, reasons, SealedTable, untargeted, voteOf } from "./SealedTable.ts"

const second = 1_000
const minute = 60 * second

const next = rostersOf(roster(), roster({ epoch: 2, members: [...roster().members, member("m6")] }))

/** A table where m2's proposal for down is open, and m1 has seen the same. */
const opened = (options: ConstructorParameters<typeof SealedTable>[0] = {}) => {
  const table = new SealedTable(options)
  table.see(false, table.receive(proposalOf("m2")))
  return table
}

describe("SealedBallot: proposing", () => {
  it("seals its proposal for the step from where it stands, and looks before it votes", () => {
    const table = new SealedTable()
    const effects = table.propose()
    assert.deepStrictEqual(tags(effects), ["Proposed", "PublishProposal", "Observe"])
    assert.deepStrictEqual(
      only(effects, "PublishProposal")[0]!.proposal,
      proposalOf("m1", { id: "own", error: "timeout" })
    )
    assert.deepInclude(only(effects, "Observe")[0], { target, up: false, from: "m1" })
  })

  it("proposes the steps 1 and 2 from 0, and then one after the other", () => {
    const seqs = [
      new SealedTable().propose(false),
      new SealedTable().propose(true),
      new SealedTable().stands(certificate({ seq: 2 })).propose(false),
      new SealedTable().stands(certificate({ seq: 7 })).propose(true)
    ].map((effects) => only(effects, "PublishProposal")[0]!.proposal.Seq)
    assert.deepStrictEqual(seqs, [1, 2, 3, 8])
  })

  it("proposes nothing that stands already, nothing unknown, and nothing without key, roster or quorum", () => {
    const ipv6 = { ...target, ipv6: true }
    assert.deepStrictEqual(new SealedTable().stands(certificate({ seq: 1 })).propose(false), [])
    assert.deepStrictEqual(new SealedTable({ knows: () => false }).propose(), [])
    assert.deepStrictEqual(new SealedTable({ isVoter: false }).propose(), [])
    assert.deepStrictEqual(new SealedTable({ signer: undefined }).propose(), [])
    assert.deepStrictEqual(new SealedTable({ node: "m9" }).propose(), [])
    assert.deepStrictEqual(new SealedTable({ node: "m4" }).propose(false, "own", ipv6), [], "no IPv6 in the roster")
    assert.include(tags(new SealedTable({ node: "m3" }).propose(false, "own", ipv6)), "PublishProposal")
    const members = monitors.map((id, i) => member(id, { ipv6: i === 0 }))
    const alone = new SealedTable({ rosters: rostersOf(roster({ members })) })
    assert.deepStrictEqual(alone.propose(false, "own", ipv6), [], "one judge is no quorum")
  })

  it("does not repeat what is open: it is sent again every 10 s, with a vote that is as new", () => {
    const table = new SealedTable()
    table.see(false, table.propose())
    assert.deepStrictEqual(table.propose(false, "other"), [])
    const sent: Array<number> = []
    for (let i = 1; i <= 29; i++) {
      const effects = [...table.pass(1), ...table.propose(false, "other")]
      if (only(effects, "PublishProposal").length > 0) sent.push(i)
      for (const { vote } of only(table.see(false, effects), "PublishVote")) {
        assert.strictEqual(vote.Seal?.observedAt, new Date(table.now).toISOString())
      }
    }
    assert.deepStrictEqual(sent, [10, 20])
  })

  it("votes on what another has just proposed instead, and proposes it too if that got nowhere for 10 s", () => {
    const table = opened()
    assert.deepStrictEqual(table.propose(), [])
    table.now += 10 * second
    assert.deepStrictEqual(tags(table.propose()), ["Proposed", "PublishProposal", "Observe"])
  })

  it("cuts what is too long before it signs, so that others take it", () => {
    const table = new SealedTable()
    const long = {
      _tag: "Propose",
      id: "own",
      target,
      up: false,
      error: "x".repeat(9_999),
      data: "x".repeat(9_999)
    } as const
    const sent = only(table.handle(long), "PublishProposal")[0]!.proposal
    assert.deepStrictEqual(tags(new SealedTable({ node: "m2" }).receive(sent)), ["Proposed", "Observe"])
    assert.deepStrictEqual(reasons(table.propose(false, "x".repeat(999), { ...target, member: "x" })), ["too-long"])
  })
})

describe("SealedBallot: voting", () => {
  it("signs what it sees for the step, yes or no", () => {
    for (const seq of [1, 2]) {
      for (const sees of [true, false]) {
        const table = new SealedTable()
        const effects = table.see(sees, table.receive(proposalOf("m2", { seq })))
        assert.deepStrictEqual(only(effects, "PublishVote")[0]!.vote, voteOf("m1", { seq, sees }))
      }
    }
  })

  it("signs when it saw that, not when it was asked", () => {
    const table = new SealedTable()
    const effects = table.see(false, table.receive(proposalOf("m2")), start - 7_000)
    assert.strictEqual(only(effects, "PublishVote")[0]!.vote.Seal?.observedAt, new Date(start - 7_000).toISOString())
  })

  it("votes once for a step that several propose, and on the others when they ask again", () => {
    const table = opened()
    assert.deepStrictEqual(tags(table.receive(proposalOf("m3"))), ["Proposed"])
    table.now += 5 * second
    const again = only(table.receive(proposalOf("m3")), "PublishVote")
    assert.deepStrictEqual(again.map(({ vote }) => [vote.ProposalID, vote.Seal?.observedAt]), [
      ["p-m3", new Date(start).toISOString()]
    ])
  })

  it("tells of every vote that it publishes, also of one that says the same on another proposal", () => {
    const table = opened()
    table.receive(proposalOf("m3"))
    const effects = table.handle({ _tag: "Isolated", isolated: false })
    const published = only(effects, "PublishVote").map(({ vote }) => vote)
    assert.deepStrictEqual(published.map(({ ProposalID }) => ProposalID), ["p-m3"])
    assert.deepStrictEqual(only(effects, "Voted").map(({ own, vote }) => [own, vote]), [[true, published[0]!]])
  })

  it("says the same again when asked again, at most every 5 s, and looks anew after 10 s", () => {
    const table = opened()
    const asked = (after: number) => {
      table.now = start + after
      return tags(table.receive(proposalOf("m2")))
    }
    assert.deepStrictEqual([4_999, 5_000, 9_999, 10_000].map(asked), [[], ["PublishVote"], [], ["Observe"]])
  })

  it("abstains from what it cannot see, and asks itself again", () => {
    const table = new SealedTable()
    const effects = table.see(undefined, table.receive(proposalOf("m2")))
    assert.deepStrictEqual(effects, [{ _tag: "Abstained", proposal: proposalOf("m2"), reason: "not-observed" }])
    table.now += 5 * second
    assert.deepStrictEqual(tags(table.receive(proposalOf("m2"))), ["Observe"])
  })

  it("does not judge what the roster does not let it judge", () => {
    const ipv6 = { ...target, ipv6: true }
    const effects = new SealedTable({ node: "m4" }).receive(proposalOf("m2", { target: ipv6 }))
    assert.deepStrictEqual(only(effects, "Abstained").map(({ reason }) => reason), ["no-judge"])
    assert.notInclude(tags(effects), "Observe")
  })

  it("neither proposes nor votes while it is isolated, and does afterwards", () => {
    const table = new SealedTable()
    table.handle({ _tag: "Isolated", isolated: true })
    assert.deepStrictEqual(table.propose(), [])
    const effects = table.receive(proposalOf("m2"))
    assert.deepStrictEqual(only(effects, "Abstained").map(({ reason }) => reason), ["isolated"])
    assert.notInclude(tags(effects), "Observe")
    table.vote(voteOf("m3"))
    table.vote(voteOf("m4"))
    assert.include(tags(table.vote(voteOf("m5"))), "Apply", "it counts what it hears")

    const other = new SealedTable()
    const looking = other.receive(proposalOf("m2"))
    other.handle({ _tag: "Isolated", isolated: true })
    assert.deepStrictEqual(tags(other.see(false, looking)), ["Abstained"], "not even with a look from before")
    assert.include(tags(other.handle({ _tag: "Isolated", isolated: false })), "Observe")
  })

  it("neither proposes nor votes before a status has stood for its minimum time", () => {
    const table = new SealedTable({ minimumTime: minute }).stands(certificate({ seq: 1 }))
    table.now += minute - 1
    assert.deepStrictEqual(table.propose(true), [])
    const effects = table.receive(proposalOf("m2", { seq: 2 }))
    assert.deepStrictEqual(only(effects, "Abstained").map(({ reason }) => reason), ["too-soon"])
    table.now += 1
    assert.deepStrictEqual(tags(table.propose(true)), ["Observe"])
  })

  it("does not say for a step what it saw before the last one: that led to it", () => {
    const table = new SealedTable()
    table.now += 5 * second
    table.stands(certificate({ seq: 1, at: table.now - 2 * second }))
    const effects = table.receive(proposalOf("m2", { seq: 2 }))
    assert.strictEqual(only(effects, "Observe")[0]!.since, table.now)
    assert.deepStrictEqual(tags(table.see(true, effects, table.now - 1)), ["Abstained"])
    table.now += 5 * second
    assert.include(tags(table.see(true, table.receive(proposalOf("m2", { seq: 2 })), table.now)), "PublishVote")
  })

  it("says nothing for a step that is over", () => {
    const table = new SealedTable()
    const looking = table.receive(proposalOf("m2"))
    table.certificate(certificate({ seq: 1 }))
    assert.deepStrictEqual(table.see(false, looking), [])
  })
})

describe("SealedBallot: taking a step", () => {
  it("makes a certificate of a quorum, keeps it, follows it, and publishes it: in this order", () => {
    const table = opened()
    table.vote(voteOf("m2"))
    const effects = table.vote(voteOf("m3"))
    assert.deepStrictEqual(tags(effects), ["Voted", "Persist", "Apply", "Rejected"])
    const [apply] = only(effects, "Apply")
    const proof = certificate({ voters: ["m1", "m2", "m3"] })
    assert.deepStrictEqual(apply!.decision, {
      id: decisionIdOf(target, 1),
      target,
      up: false,
      error: "",
      data: null,
      decidedAt: start,
      decidedBy: "m1",
      votes: { m1: true, m2: true, m3: true },
      proof: { seq: 1, late: false, certificate: proof }
    })
    assert.deepStrictEqual(only(effects, "Persist")[0]!.certificate, proof)
    const { message } = only(table.pass(1), "PublishDecision")[0]!
    assert.strictEqual(verify(message.Certificate!, message, rostersOf())._tag, "Success")
    assert.deepStrictEqual([message.Passed, message.SenderNodeID, message.Proposal.Seq], [true, "m1", 1])
    assert.strictEqual(table.ballot.seq(target), 1)
  })

  it("counts votes for a step together, whatever proposal they were given on", () => {
    const table = opened()
    table.receive(proposalOf("m3"))
    table.vote(voteOf("m4", { id: "p-m2" }))
    assert.include(tags(table.vote(voteOf("m3", { id: "p-m3" }))), "Apply")
  })

  it("keeps what voters saw otherwise beside the proof", () => {
    const table = opened()
    table.vote(voteOf("m5", { sees: true }))
    table.vote(voteOf("m2"))
    const [apply] = only(table.vote(voteOf("m3")), "Apply")
    assert.deepStrictEqual(apply!.decision.votes, { m1: true, m2: true, m3: true, m5: false })
  })

  it("counts a node once, and only what it saw last", () => {
    const table = opened()
    table.vote(voteOf("m2"))
    for (let i = 1; i < 5; i++) {
      assert.deepStrictEqual(tags(table.vote(voteOf("m2", { at: start + i * second }))), ["Voted"])
    }
    table.vote(voteOf("m2", { at: start + 10 * second, sees: true }))
    assert.notInclude(tags(table.vote(voteOf("m3"))), "Apply")
    assert.deepStrictEqual(table.vote(voteOf("m2", { at: start + 9 * second })), [], "what it saw before comes late")
    assert.deepStrictEqual(table.vote(voteOf("m2", { at: start + 10 * second + 999 })), [], "nobody looks so often")
    assert.include(tags(table.vote(voteOf("m2", { at: start + 11 * second }))), "Apply")
  })

  it("counts votes that came before their proposal", () => {
    const table = new SealedTable()
    assert.deepStrictEqual(only(table.vote(voteOf("m3")), "Voted").map(({ proposal }) => proposal), [undefined])
    table.vote(voteOf("m4"))
    table.vote(voteOf("m5"))
    assert.deepStrictEqual(tags(table.receive(proposalOf("m2"))).filter((tag) => tag === "Apply"), ["Apply"])
  })

  it("counts votes on proposals that were lost, as soon as it sees the same", () => {
    const table = new SealedTable()
    for (const voter of ["m3", "m4"]) table.vote(voteOf(voter, { id: "lost" }))
    const looking = table.propose(false)
    assert.notInclude(tags(looking), "Apply")
    const effects = table.see(false, looking)
    assert.include(tags(effects), "Apply")
    assert.deepStrictEqual(only(effects, "PublishDecision")[0]?.message.Proposal.ID, "own")
    assert.deepStrictEqual(table.ballot.size().ahead, 0)
  })

  it("keeps no vote ahead that its voter did not sign, on what nobody knows, or that is older than what it holds", () => {
    const table = new SealedTable({ knows: ({ member }) => member !== "Nobody" })
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3", { signer: cheapSigner("x") }))), ["bad-signature"])
    const nobody = voteOf("m3", { target: { ...target, member: "Nobody" } })
    assert.deepStrictEqual(reasons(table.vote(nobody)), ["unknown-target"])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3", { epoch: 2 }))), ["other-epoch"])
    assert.strictEqual(table.ballot.size().ahead, 0)
    table.vote(voteOf("m3", { at: start + 2 * second }))
    assert.deepStrictEqual(table.vote({ ...voteOf("m3", { sees: true }), Timestamp: start + minute }), [])
    table.vote(voteOf("m4"))
    assert.include(tags(table.see(false, table.propose(false))), "Apply", "the later word of m3 stands")
    const forgets = new SealedTable()
    forgets.vote(voteOf("m3"))
    forgets.pass(121)
    assert.strictEqual(forgets.ballot.size().ahead, 0)
  })

  it("takes no step by observations that are more than a minute apart, and by newer ones of the same voters", () => {
    const table = opened()
    table.now += 40 * second
    table.vote(voteOf("m2", { at: start + 20 * second }))
    assert.notInclude(tags(table.vote(voteOf("m3", { at: start + 60 * second + 1 }))), "Apply")
    const again = table.see(false, table.receive(proposalOf("m2")))
    assert.include(tags(again), "Apply")
  })

  it("only for IPv6 does a majority of the judges of IPv6 do", () => {
    const ipv6 = { ...target, ipv6: true }
    const table = new SealedTable()
    table.receive(proposalOf("m2", { target: ipv6 }))
    assert.deepStrictEqual(reasons(table.vote(voteOf("m4", { target: ipv6 }))), ["not-a-member"])
    table.vote(voteOf("m2", { target: ipv6 }))
    const effects = table.vote(voteOf("m3", { target: ipv6 }))
    assert.deepStrictEqual(only(effects, "Apply").map(({ decision }) => decision.votes), [{ m2: true, m3: true }])
  })

  it("shows a vote with the proposal that it was asked by, and never with one of another target", () => {
    const other = { ...target, member: "Other" }
    const table = opened()
    table.receive(proposalOf("m3", { id: "p-other", target: other }))
    const own = only(table.vote(voteOf("m4")), "Voted")[0]!
    assert.strictEqual(own.proposal?.ID, "p-m2")
    const astray = only(table.vote(voteOf("m5", { id: "p-m2", target: other })), "Voted")[0]!
    assert.isUndefined(astray.proposal)
  })

  it("closes everything below on a step: straggling votes overturn nothing", () => {
    const table = opened()
    table.receive(plain("v2", { id: "outside" }))
    table.receive(proposalOf("m3", { seq: 2 }))
    const effects = table.certificate(certificate({ seq: 2, voters: ["m3", "m4", "m5"] }))
    assert.deepStrictEqual(
      only(effects, "Rejected").map(({ proposal, reason }) => [proposal.ID, reason]),
      [["p-m2", "superseded"], ["p-m3", "superseded"]]
    )
    assert.deepStrictEqual(table.ballot.proposals(), [])
    for (const voter of ["m2", "m3", "m4"]) assert.notInclude(tags(table.vote(voteOf(voter))), "Apply")
    assert.strictEqual(table.ballot.seq(target), 2)
  })

  it("leaves the step to up open when that to down is taken from 0", () => {
    const table = opened()
    table.receive(proposalOf("m3", { seq: 2 }))
    table.certificate(certificate({ seq: 1 }))
    assert.deepStrictEqual(table.ballot.proposals().map(({ proposal }) => proposal.ID), ["p-m3"])
  })

  it("publishes at once what it proposed itself", () => {
    const table = new SealedTable()
    table.see(false, table.propose())
    table.vote(voteOf("m2"))
    assert.lengthOf(only(table.vote(voteOf("m3")), "PublishDecision"), 1)
    assert.deepStrictEqual(only(table.pass(9), "PublishDecision"), [])
    assert.lengthOf(only(table.pass(1), "PublishDecision"), 1, "once more")
  })

  it("publishes what others proposed after 1 s, unless a member did; and once more after 10 s, while it is the newest", () => {
    const table = opened()
    table.vote(voteOf("m2"))
    assert.deepStrictEqual(only(table.vote(voteOf("m3")), "PublishDecision"), [])
    const first = only(table.pass(1), "PublishDecision")
    assert.lengthOf(first, 1)
    assert.deepStrictEqual(only(table.pass(9), "PublishDecision"), [])
    assert.deepStrictEqual(only(table.pass(1), "PublishDecision"), first)
    assert.deepStrictEqual(only(table.pass(60), "PublishDecision"), [])

    for (const [sender, isHeard] of [["m2", true], ["outsider", false]] as const) {
      const told = opened()
      told.vote(voteOf("m2"))
      told.vote(voteOf("m3"))
      told.decide({ ...decision(certificate()), SenderNodeID: sender })
      assert.lengthOf(only(told.pass(5), "PublishDecision"), isHeard ? 0 : 1)
      assert.lengthOf(only(told.pass(6), "PublishDecision"), 1, "once more in any case")
    }

    const other = opened()
    other.vote(voteOf("m2"))
    other.vote(voteOf("m3"))
    other.certificate(certificate({ seq: 2 }))
    assert.deepStrictEqual(only(other.pass(20), "PublishDecision"), [])
  })

  it("follows as an observer, and publishes nothing", () => {
    const table = new SealedTable({ node: "d1", isVoter: false })
    const effects = [table.receive(proposalOf("m2")), ...["m2", "m3", "m4"].map((voter) => table.vote(voteOf(voter)))]
      .flat()
    assert.deepStrictEqual(
      tags(effects),
      ["Proposed", "Voted", "Voted", "Voted"],
      "a certificate of its own nobody else would know"
    )
    const told = table.decide(decision(certificate()))
    assert.deepStrictEqual(tags(told), ["Persist", "Apply", "Rejected"])
    table.now += 20 * second
    assert.deepStrictEqual(table.receive(proposalOf("m3")), [])
    assert.deepStrictEqual(table.certificate(certificate({ seq: 2 })).map(({ _tag }) => _tag), ["Persist", "Apply"])
    assert.deepStrictEqual(table.decide(decision(certificate())), [], "the monitors tell who is behind")
    assert.deepStrictEqual(only(table.pass(60), "PublishDecision"), [])
  })

  it("gives a step a time after that of the one before, whatever the clocks of its voters", () => {
    const table = new SealedTable().stands(certificate({ seq: 1, at: start + 50 * second }))
    const effects = table.certificate(certificate({ seq: 2, at: start }))
    assert.strictEqual(only(effects, "Apply")[0]!.decision.decidedAt, start + 50 * second + 1)
  })

  it("is voted down when so many see the opposite that the rest are no quorum, and opened by no copy of it", () => {
    const table = opened()
    table.vote(voteOf("m3", { sees: true }))
    table.vote(voteOf("m4", { sees: true }))
    const effects = table.vote(voteOf("m5", { sees: true }))
    assert.deepStrictEqual(only(effects, "Rejected"), [{
      _tag: "Rejected",
      proposal: proposalOf("m2"),
      votes: { m1: true, m3: false, m4: false, m5: false },
      reason: "voted-down"
    }])
    assert.deepStrictEqual(only(effects, "PublishDecision"), [])
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m2"))), ["replay"])
    assert.include(tags(table.receive(proposalOf("m2", { id: "anew", at: start + 1 }))), "Proposed")
  })

  it("is not voted down by what others saw before, however often that is sent again", () => {
    const table = new SealedTable()
    for (const voter of ["m3", "m4", "m5"]) table.vote(voteOf(voter, { sees: true }))
    table.pass(5)
    const effects = table.receive(proposalOf("m2"))
    assert.deepStrictEqual(only(effects, "Rejected"), [])
    assert.include(tags(effects), "Observe")
    table.see(false, effects)
    for (const voter of ["m2", "m3"]) table.vote(voteOf(voter, { at: start + 6 * second }))
    assert.strictEqual(table.ballot.seq(target), 1)
  })

  it("is voted down only then: with an even number a tie is enough, and half of it is not", () => {
    const table = opened({ rosters: rostersOf(roster({ members: ["m1", "m2", "m3", "m4"].map((id) => member(id)) })) })
    assert.deepStrictEqual(tags(table.vote(voteOf("m3", { sees: true }))), ["Voted"])
    assert.deepStrictEqual(tags(table.vote(voteOf("m4", { sees: true }))), ["Voted", "Rejected"])
  })

  it("expires after three attempts of 30 s, each of which looks anew", () => {
    const table = opened()
    const looks: Array<number> = []
    for (let i = 1; i <= 89; i++) {
      const effects = table.pass(1)
      if (tags(effects).includes("Observe")) looks.push(i)
      table.see(false, effects)
    }
    assert.deepStrictEqual(looks, [30, 60])
    assert.deepStrictEqual(only(table.pass(1), "Rejected").map(({ reason }) => reason), ["expired"])
    assert.strictEqual(table.ballot.size().steps, 0)
  })
})

describe("SealedBallot: what counts for nothing", () => {
  it("votes that are stripped of their signatures, and votes of v2 nodes", () => {
    const table = opened()
    const { Seal: _, ...stripped } = voteOf("m2")
    const { Seq: __, ...stepless } = voteOf("m3")
    const v2 = { ProposalID: "p-m2", SenderNodeID: "v2", NodeID: "v2", Agree: true, Timestamp: start }
    for (const vote of [stripped, stepless, v2]) assert.deepStrictEqual(reasons(table.vote(vote)), ["unsigned"])
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m1: true })
  })

  it("proposals of members that are stripped of their signatures", () => {
    const { Seal: _, ...stripped } = proposalOf("m2")
    const { Seq: __, ...stepless } = proposalOf("m2")
    for (const sent of [stripped, stepless, plain("d1")]) {
      assert.deepStrictEqual(reasons(new SealedTable().receive(sent)), ["unsigned"])
    }
  })

  it("votes that say something else than was signed", () => {
    const table = opened()
    const honest = voteOf("m2", { sees: true })
    const seal = honest.Seal!
    const changed = [
      { ...honest, Agree: true },
      { ...honest, NodeID: "m3", SenderNodeID: "m3" },
      { ...honest, Seal: { ...seal, observedAt: new Date(start + 1).toISOString() } },
      { ...honest, Target: { ...target, member: "Fuji" } },
      { ...honest, Seq: 2 },
      untargeted(voteOf("m2", { target: { ...target, member: "Fuji" } })),
      voteOf("m2", { signer: cheapSigner("thief") })
    ]
    for (const vote of changed) assert.deepStrictEqual(reasons(table.vote(vote)), ["bad-signature"])
    assert.deepStrictEqual(reasons(table.vote({ ...honest, NodeID: "m3" })), ["mismatch"])
    assert.deepStrictEqual(reasons(table.vote({ ...honest, SenderNodeID: "" })), ["mismatch"])
    const other = untargeted(voteOf("m2", { seq: 3 }))
    assert.deepStrictEqual(reasons(table.vote(other)), ["mismatch"], "for another step")
    assert.deepStrictEqual(reasons(table.vote({ ...other, ProposalID: "x" })), ["unknown-proposal"])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m1"))), ["own-id"])
    assert.deepStrictEqual(table.ballot.proposals()[0]!.votes, { m1: true })
  })

  it("proposals that say something else than was signed, or come under our own id", () => {
    const honest = proposalOf("m2")
    const changed = [
      { ...honest, ErrorText: "other" },
      { ...honest, MemberName: "Fuji" },
      { ...honest, ID: "other" },
      { ...honest, SenderNodeID: "m3" }
    ]
    for (const sent of changed) assert.deepStrictEqual(reasons(new SealedTable().receive(sent)), ["bad-signature"])
    assert.deepStrictEqual(reasons(new SealedTable().receive({ ...honest, ProposedStatus: true })), ["mismatch"])
    assert.deepStrictEqual(reasons(new SealedTable().receive({ ...honest, Timestamp: start + 1 })), ["mismatch"])
    assert.deepStrictEqual(reasons(new SealedTable().receive(proposalOf("m1"))), ["own-id"])
  })

  it("members that do not judge, and strangers with keys of their own", () => {
    const table = opened()
    for (const id of ["d1", "stranger"]) {
      assert.deepStrictEqual(reasons(table.vote(voteOf(id))), ["not-a-member"])
      assert.deepStrictEqual(reasons(table.receive(proposalOf(id))), ["not-a-member"])
    }
  })

  it("another cluster, or another epoch", () => {
    const table = opened({ rosters: next })
    table.receive(proposalOf("m2", { epoch: 2 }))
    for (const epoch of [1, 3]) {
      assert.deepStrictEqual(reasons(table.receive(proposalOf("m3", { epoch }))), ["other-epoch"])
      assert.deepStrictEqual(reasons(table.vote(voteOf("m3", { epoch }))), ["other-epoch"])
    }
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m3", { epoch: 2, cluster: "b" }))), ["other-cluster"])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3", { epoch: 2, cluster: "b" }))), ["other-cluster"])
    table.vote(voteOf("m3"))
    assert.strictEqual(table.ballot.proposals()[0]!.votes["m3"], undefined)
  })

  it("observations more than a minute from our clock: the skew is told", () => {
    const table = opened()
    for (const skew of [minute + 1, -minute - 1]) {
      assert.deepStrictEqual(table.vote(voteOf("m2", { at: start + skew })), [
        { _tag: "Dropped", what: "vote", reason: "clock", sender: "m2", skew }
      ])
    }
    assert.deepStrictEqual(reasons(table.vote(voteOf("m2", { at: start + minute }))), [])
  })

  it("a look of ours that is as old", () => {
    const table = new SealedTable()
    const looking = table.receive(proposalOf("m2"))
    assert.deepStrictEqual(tags(table.see(false, looking, start - minute - 1)), ["Abstained"])
  })

  it("proposals of a clock that is more than five minutes off", () => {
    const at = start - 5 * minute - 1
    assert.deepStrictEqual(new SealedTable().receive(proposalOf("m2", { at })), [
      { _tag: "Dropped", what: "proposal", reason: "clock", sender: "m2", skew: at - start }
    ])
  })

  it("decisions without certificate, with one of fewer than q stolen keys, or with a forged one", () => {
    const table = new SealedTable()
    const { Certificate: _, ...bare } = decision(certificate())
    assert.deepStrictEqual(reasons(table.decide(bare)), ["unproven"])
    assert.deepStrictEqual(reasons(table.decide(decision(certificate({ voters: ["m2", "m3"] })))), ["TooFewVotes"])
    const doubled = certificate({ voters: ["m2", "m3", "m3", "m2", "d1", "stranger"] })
    assert.deepStrictEqual(reasons(table.decide(decision(doubled))), ["TooFewVotes"])
    const forged = certificate({
      votes: [...certificate({ voters: ["m2", "m3"] }).votes, {
        ...certificate({ voters: ["m4"] }).votes[0]!,
        sig: "cheap:00"
      }]
    })
    assert.deepStrictEqual(reasons(table.decide(decision(forged))), ["BadSignature"])
    assert.deepStrictEqual(reasons(table.decide(decision(certificate(), { passed: false }))), ["NotPassed"])
    assert.deepStrictEqual(reasons(table.decide(decision(certificate(), { up: true }))), ["OtherStatus"])
    assert.deepStrictEqual(reasons(table.certificate(certificate({ seq: 0 }))), ["NoStatus"])
    assert.strictEqual(table.ballot.seq(target), 0)
  })

  it("what says that a proposal did not pass: that closes nothing", () => {
    const table = opened()
    const { Certificate: _, ...bare } = decision(certificate(), { passed: false })
    assert.deepStrictEqual(table.decide({ ...bare, Proposal: proposalOf("m2") }), [])
    assert.lengthOf(table.ballot.proposals(), 1)
  })

  it("fewer than q stolen keys, whatever they sign", () => {
    const table = new SealedTable()
    for (const thief of ["m2", "m3"]) table.receive(proposalOf(thief))
    for (let i = 0; i < 50; i++) {
      for (const thief of ["m2", "m3"]) {
        for (const id of ["p-m2", "p-m3"]) {
          assert.notInclude(tags(table.vote(voteOf(thief, { id, at: start + i }))), "Apply")
        }
      }
    }
    assert.strictEqual(table.ballot.seq(target), 0)
  })
})

describe("SealedBallot: replays", () => {
  it("of votes of a step that is over do nothing, and tell who is behind", () => {
    const table = opened()
    table.vote(voteOf("m2"))
    table.vote(voteOf("m3"))
    assert.deepStrictEqual(table.vote(voteOf("m4")), [], "a straggler is told by the decision")
    assert.deepStrictEqual(table.receive(proposalOf("m5")), [], "and so is a proposal that comes too late")
    table.certificate(certificate({ seq: 2, at: start + second }))
    table.now += 11 * second
    assert.deepStrictEqual(tags(table.vote(voteOf("m4"))), ["PublishCertificate"])
    assert.deepStrictEqual(table.vote(voteOf("m4")), [], "not again at once")
    assert.strictEqual(table.ballot.seq(target), 2)
  })

  it("of a vote under another proposal of its step count once, as it is a signed observation", () => {
    const table = opened()
    table.receive(proposalOf("m3"))
    table.vote(voteOf("m2"))
    assert.deepStrictEqual(table.vote({ ...voteOf("m2"), ProposalID: "p-m3" }), [])
  })

  it("of an old proposal never stand in the way of a newer one of its sender", () => {
    const old = proposalOf("m2", { id: "old", at: start - minute })
    const table = new SealedTable()
    table.receive(old)
    table.now += 10 * second
    const effects = table.receive(proposalOf("m2", { at: start + second }))
    assert.deepStrictEqual(only(effects, "Rejected").map(({ proposal }) => proposal.ID), ["old"])
    assert.deepStrictEqual(reasons(table.receive(old)), ["replay"])
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m2", { id: "older", at: start - 1 }))), ["second"])
    assert.deepStrictEqual(table.ballot.proposals().map(({ proposal }) => proposal.ID), ["p-m2"])
  })

  it("of a decision do nothing, and of a lower one are answered with ours", () => {
    const table = new SealedTable().stands(certificate({ seq: 2 }))
    assert.deepStrictEqual(table.decide(decision(certificate({ seq: 2 }))), [])
    table.now += 10 * second
    assert.deepStrictEqual(table.decide(decision(certificate({ seq: 1 }))), [
      { _tag: "PublishCertificate", certificate: certificate({ seq: 2 }) }
    ])
  })

  it("of another's id by an outsider do not keep the member's out", () => {
    const table = new SealedTable()
    const squatter = plain("stranger", { id: "p-m2", target: { ...target, member: "Fuji" } })
    const looking = table.receive(squatter)
    const effects = table.receive(proposalOf("m2"))
    assert.deepStrictEqual(tags(effects), ["Proposed", "Observe"])
    assert.deepStrictEqual(table.see(false, looking), [], "what was seen for the one is not said for the other")
    assert.deepStrictEqual(reasons(table.receive(squatter)), ["mismatch"])
    assert.deepInclude(table.ballot.size(), { open: 1, steps: 1 }, "nothing of it is left")
  })
})

describe("SealedBallot: who is ahead, and who behind", () => {
  it("asks a member that proposes a step further on for its certificate, at most every 10 s", () => {
    const table = new SealedTable()
    assert.deepStrictEqual(table.receive(proposalOf("m2", { seq: 4 })), [
      { _tag: "Fetch", target, seq: 3, from: "m2" }
    ])
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m3", { seq: 4 }))), ["step"])
    table.pass(10)
    assert.deepStrictEqual(tags(table.receive(proposalOf("m3", { seq: 4 }))), ["Fetch"])
    table.pass(10)
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m4", { seq: 4, signer: cheapSigner("x") }))), [
      "bad-signature"
    ])
  })

  it("asks a member that is ahead, whoever else claims to be", () => {
    const table = new SealedTable()
    assert.deepStrictEqual(tags(table.receive(proposalOf("m3", { seq: 9_001 }))), ["Fetch"])
    assert.deepStrictEqual(
      only(table.receive(proposalOf("m2", { seq: 4 })), "Fetch").map(({ from, seq }) => [from, seq]),
      [[
        "m2",
        3
      ]]
    )
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m3", { id: "again", seq: 9_003 }))), ["step"])
    assert.strictEqual(table.ballot.size().asked, 1)
  })

  it("asks a member that votes on a step further on, too, if it truly does", () => {
    const forged = voteOf("m2", { seq: 4, signer: cheapSigner("x") })
    const table = new SealedTable()
    assert.deepStrictEqual(reasons(table.vote(forged)), ["bad-signature"])
    assert.deepStrictEqual(table.vote(voteOf("m2", { seq: 4 })), [{ _tag: "Fetch", target, seq: 3, from: "m2" }])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3", { seq: 4 }))), ["step"])
  })

  it("tells a member that proposes a step that is over, at most every 10 s", () => {
    const table = new SealedTable().stands(certificate({ seq: 3 }))
    table.now += 10 * second
    assert.deepStrictEqual(table.receive(proposalOf("m2", { seq: 3 })), [
      { _tag: "PublishCertificate", certificate: certificate({ seq: 3 }) }
    ])
    assert.deepStrictEqual(table.receive(proposalOf("m3", { seq: 2 })), [])
    assert.deepStrictEqual(reasons(table.receive(proposalOf("stranger", { seq: 2 }))), ["not-a-member"])
  })

  it("passes on what it was told alone, once and only if it is new", () => {
    const table = new SealedTable()
    assert.deepStrictEqual(tags(table.certificate(certificate({ seq: 1 }))), ["Persist", "Apply", "PublishCertificate"])
    assert.deepStrictEqual(table.certificate(certificate({ seq: 1 })), [])
    const late = new SealedTable()
    assert.deepStrictEqual(tags(late.certificate(certificate({ seq: 1, at: start - 60 * minute }))), ["Persist"])
    const heard = new SealedTable()
    assert.deepStrictEqual(tags(heard.decide(decision(certificate()))), ["Persist", "Apply"])
  })

  it("takes a late certificate at once, follows it after 30 s, marked, and a higher one instead", () => {
    const table = new SealedTable()
    const late = certificate({ seq: 1, at: start - 3 * minute })
    assert.deepStrictEqual(tags(table.certificate(late)), ["Persist"])
    assert.strictEqual(table.ballot.seq(target), 1)
    assert.deepStrictEqual(only(table.propose(true), "PublishProposal")[0]!.proposal.Seq, 2)
    table.receive(plain("v2"))
    const applied = only(table.pass(30), "Apply")
    assert.deepStrictEqual(applied.map(({ decision }) => decision.proof), [{ seq: 1, late: true, certificate: late }])
    assert.strictEqual(applied[0]!.decision.decidedAt, start - 3 * minute)
    assert.lengthOf(table.ballot.proposals(), 2, "following it closes nothing that came since")

    const other = new SealedTable()
    other.certificate(late)
    other.certificate(certificate({ seq: 2 }))
    assert.deepStrictEqual(only(other.pass(60), "Apply"), [])
  })
})

describe("SealedBallot: restart", () => {
  it("with its registers goes on from there, and follows after 30 s", () => {
    const table = new SealedTable()
    assert.deepStrictEqual(table.handle({ _tag: "Restore", certificate: certificate({ seq: 3 }) }), [])
    assert.strictEqual(only(table.propose(true), "PublishProposal")[0]!.proposal.Seq, 4)
    assert.deepStrictEqual(only(table.pass(30), "Apply").map(({ decision }) => decision.proof?.seq), [3])
    assert.deepStrictEqual(table.ballot.digest(), new SealedTable().stands(certificate({ seq: 3 })).ballot.digest())
  })

  it("without them makes only low steps, which the others answer, and takes theirs", () => {
    const others = new SealedTable({ node: "m2" }).stands(certificate({ seq: 3 }))
    const table = new SealedTable()
    const low = only(table.propose(true), "PublishProposal")[0]!.proposal
    assert.strictEqual(low.Seq, 2)
    others.now += 10 * second
    const [answer] = only(others.receive(low), "PublishCertificate")
    assert.include(tags(table.certificate(answer!.certificate)), "Apply")
    assert.deepStrictEqual(table.ballot.certificates(), others.ballot.certificates())
    assert.deepStrictEqual(table.ballot.certificate(target), others.ballot.certificate(target))
  })
})

describe("SealedBallot: rosters", () => {
  it("asks anew in a new epoch: votes of two epochs are never counted together", () => {
    const table = opened()
    table.vote(voteOf("m2"))
    const effects = table.handle({ _tag: "Rosters", rosters: next })
    assert.deepStrictEqual(only(effects, "Rejected").map(({ reason }) => reason), ["expired"])
    table.receive(proposalOf("m2", { id: "anew", epoch: 2 }))
    for (const voter of ["m2", "m3", "m4"]) {
      assert.notInclude(tags(table.vote(voteOf(voter, { id: "anew", epoch: 2 }))), "Apply", "it takes 4 of 6 now")
    }
    assert.include(tags(table.vote(voteOf("m6", { id: "anew", epoch: 2 }))), "Apply")
  })

  it("drops votes that waited for their proposal since the epoch before", () => {
    const table = new SealedTable()
    for (const voter of ["m2", "m3", "m4", "m5"]) table.vote(voteOf(voter, { id: "anew" }))
    table.handle({ _tag: "Rosters", rosters: next })
    assert.deepStrictEqual(table.ballot.size().ahead, 0)
    assert.deepStrictEqual(tags(table.receive(proposalOf("m2", { id: "anew", epoch: 2 }))), ["Proposed", "Observe"])
  })

  it("still takes a certificate of an epoch before that is not retired, and none that is", () => {
    assert.include(tags(new SealedTable({ rosters: next }).certificate(certificate())), "Apply")
    const retired = rostersOf(roster(), roster({ epoch: 2, minEpoch: 2 }))
    assert.deepStrictEqual(reasons(new SealedTable({ rosters: retired }).certificate(certificate())), ["RetiredEpoch"])
    const future = certificate({ epoch: 2 })
    assert.deepStrictEqual(reasons(new SealedTable().certificate(future)), ["UnknownEpoch"])
  })

  it("never goes back to rosters of an earlier epoch, and leaves what is open alone in the same", () => {
    const table = new SealedTable({ rosters: next })
    table.receive(proposalOf("m2", { epoch: 2 }))
    assert.deepStrictEqual(table.handle({ _tag: "Rosters", rosters: rostersOf() }), [])
    assert.deepStrictEqual(table.handle({ _tag: "Rosters", rosters: next }), [])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3"))), ["other-epoch"])
    assert.lengthOf(table.ballot.proposals(), 1)
  })

  it("does not care who was heard", () => {
    const table = opened()
    table.handle({ _tag: "Electorate", members: new Set(["m1", "m2"]), minimumVotes: 2 })
    assert.notInclude(tags(table.vote(voteOf("m2"))), "Apply")
  })
})

describe("SealedBallot: an epoch that is retired", () => {
  const raised = rostersOf(roster(), roster({ epoch: 2, minEpoch: 2 }))
  const anew = certificate({ epoch: 2, seq: 4 })

  /** A table that stands at the step 4, by a certificate of an epoch that counts no more. */
  const standing = (options: ConstructorParameters<typeof SealedTable>[0] = {}) => {
    const table = new SealedTable(options).stands(certificate({ seq: 4 }))
    table.handle({ _tag: "Rosters", rosters: raised })
    return table
  }

  it("has its steps proved again where they stand, with nothing following from it: who lacks the proof gets one", () => {
    const table = standing()
    const asked = table.pass(1)
    const { proposal } = only(asked, "PublishProposal")[0]!
    assert.deepInclude(proposal, { Seq: 4, ProposedStatus: true })
    table.see(true, asked)
    table.vote(voteOf("m2", { id: proposal.ID, seq: 4, epoch: 2, at: table.now }))
    const effects = table.vote(voteOf("m3", { id: proposal.ID, seq: 4, epoch: 2, at: table.now }))
    assert.includeMembers([...tags(effects)], ["Persist", "PublishDecision"])
    assert.notInclude(tags(effects), "Apply")
    assert.strictEqual(table.ballot.seq(target), 4)
    const kept = table.ballot.certificate(target)!
    assert.strictEqual(kept.epoch, 2)
    assert.include(tags(new SealedTable({ rosters: raised }).certificate(kept)), "Apply")
    assert.deepStrictEqual(only(table.pass(120), "PublishProposal"), [], "once is enough")
    assert.strictEqual(table.ballot.size().open, 0)
  })

  it("votes on that when others ask, and takes it from them, once, and no forged one", () => {
    const table = standing()
    const asked = table.receive(proposalOf("m2", { seq: 4, epoch: 2 }))
    assert.include(tags(table.see(true, asked)), "PublishVote")
    const forged = { ...anew, votes: anew.votes.map((vote) => ({ ...vote, sig: `${vote.sig}x` })) }
    assert.deepStrictEqual(reasons(table.certificate(forged)), ["BadSignature"])
    assert.deepStrictEqual(only(table.certificate(anew), "Persist").map(({ certificate }) => certificate), [anew])
    assert.strictEqual(table.ballot.size().open, 0)
    assert.notInclude(tags(table.certificate(anew)), "Persist")
    table.now += 10 * second
    assert.deepStrictEqual(tags(table.receive(proposalOf("m3", { seq: 4, epoch: 2, at: table.now }))), [
      "PublishCertificate"
    ])
  })

  it("goes on to the next step all the same, and proves nothing again that it does not see", () => {
    const table = standing()
    const asked = table.pass(1)
    table.see(false, asked)
    table.see(false, table.propose(false))
    for (const voter of ["m2", "m3"]) table.vote(voteOf(voter, { seq: 5, epoch: 2, at: table.now }))
    assert.strictEqual(table.ballot.seq(target), 5)
    assert.strictEqual(table.ballot.size().open, 0)
    assert.deepStrictEqual(only(table.pass(120), "PublishProposal"), [])
  })

  it("asks again every half minute, while it is voted down or nobody answers", () => {
    const table = standing()
    for (let i = 0; i < 10; i++) {
      const asked = table.pass(30)
      const { proposal } = only(asked, "PublishProposal")[0]!
      table.see(false, asked)
      for (const voter of ["m2", "m3", "m4"]) {
        table.vote(voteOf(voter, { id: proposal.ID, seq: 4, epoch: 2, sees: false, at: table.now }))
      }
      assert.strictEqual(table.ballot.size().open, 0)
    }
  })

  it("asks for nothing where nothing is retired, nor as a follower", () => {
    const well = new SealedTable().stands(certificate({ seq: 4 }))
    well.handle({ _tag: "Rosters", rosters: rostersOf(roster(), roster({ epoch: 2 })) })
    assert.deepStrictEqual(only(well.pass(60), "PublishProposal"), [])
    assert.deepStrictEqual(only(standing({ isVoter: false }).pass(60), "PublishProposal"), [])
  })
})

describe("SealedBallot: v2 nodes in the cluster", () => {
  it("are looked for in nobody's name: who only claims a member spends nothing of that one's", () => {
    const table = new SealedTable()
    const claimed = { ...proposalOf("m2"), Seq: 0 }
    assert.strictEqual(only(table.receive(claimed), "Observe")[0]!.from, "")
  })

  it("get a vote on their proposals that can be part of no certificate, and never change it", () => {
    const table = new SealedTable()
    const effects = table.see(false, table.receive(plain("v2", { id: "p-m2" })))
    const { vote } = only(effects, "PublishVote")[0]!
    assert.deepInclude(vote, { Agree: true, NodeID: "m1", ProposalID: "p-m2", Seq: 0 })
    table.now += 20 * second
    assert.deepStrictEqual(table.receive(plain("v2", { id: "p-m2" })), [{ _tag: "PublishVote", vote }])
    assert.deepStrictEqual(new SealedTable({ node: "m2" }).vote(vote), [], "and ours count it for nothing")
  })

  it("take no step: neither their proposals, nor votes on them, nor their decisions", () => {
    const table = new SealedTable()
    table.see(false, table.receive(plain("v2", { id: "p-m2" })))
    for (const voter of ["m2", "m3", "m4", "m5"]) table.vote(voteOf(voter))
    const { Certificate: _, ...bare } = decision(certificate())
    const effects = table.decide({ ...bare, SenderNodeID: "v2" })
    assert.deepStrictEqual(tags(effects), ["Dropped", "Foreign"])
    assert.strictEqual(table.ballot.seq(target), 0)
  })

  it("are shown when they decide otherwise, once, until one of the two comes round", () => {
    const table = new SealedTable().stands(certificate({ seq: 2 }))
    const { Certificate: _, ...bare } = decision(certificate())
    const say = (up: boolean) =>
      only(table.decide({ ...bare, SenderNodeID: "v2", Proposal: plain("m2", { up }) }), "Foreign")
    assert.deepStrictEqual(say(true), [])
    assert.deepStrictEqual(say(false), [{ _tag: "Foreign", target, up: false, differs: true }])
    assert.deepStrictEqual(say(false), [])
    assert.deepStrictEqual(say(true), [{ _tag: "Foreign", target, up: false, differs: false }])
    say(false)
    assert.deepStrictEqual(only(table.certificate(certificate({ seq: 3 })), "Foreign"), [
      { _tag: "Foreign", target, up: false, differs: false }
    ])
    assert.deepStrictEqual(
      only(table.decide({ ...bare, SenderNodeID: "m2" }), "Foreign"),
      [],
      "members are no outsiders"
    )
  })

  it("members in the mode prefer count as such: they name no step", () => {
    const table = new SealedTable()
    const effects = table.see(false, table.receive(proposalOf("m2", { seq: 0, up: false })))
    assert.deepStrictEqual(only(effects, "PublishVote").map(({ vote }) => vote.Seq), [0])
  })
})

describe("SealedBallot: clocks", () => {
  it("goes on after ours was set back by an hour", () => {
    const table = opened().stands(certificate({ seq: 2 }))
    table.see(false, table.propose())
    table.now -= 60 * minute
    const at = table.now
    assert.deepStrictEqual(only(table.pass(1), "Rejected").map(({ reason }) => reason), ["expired"])
    table.see(false, table.propose(false, "anew"))
    table.vote(voteOf("m2", { id: "anew", seq: 3, at }))
    assert.include(tags(table.vote(voteOf("m3", { id: "anew", seq: 3, at }))), "Apply")
  })

  it("hears who goes on asking after ours was set back", () => {
    const table = opened()
    table.now -= 2 * minute
    table.pass(1)
    const asked = table.receive(proposalOf("m2"))
    assert.deepStrictEqual(tags(asked), ["Proposed", "Observe"])
  })
})

describe("SealedBallot: bounds", () => {
  const limits = { weight: 60_000, senderWeight: 60_000, decided: 50, earlyProposals: 20, targets: 30, registers: 40 }
  const of = (i: number): Target => ({ ...target, member: `member ${i}` })

  it("a member fills no more than its share, outsiders together no more than one, and ours always have room", () => {
    const table = new SealedTable({ limits })
    const dropped = new Set<string>()
    for (let i = 0; i < 500; i++) {
      for (
        const sent of [
          proposalOf("m2", { id: `a${i}`, target: of(i) }),
          proposalOf("m3", { id: `b${i}`, target: of(i) }),
          plain(`outsider ${i}`, { id: `c${i}`, target: of(i) })
        ]
      ) reasons(table.receive(sent)).forEach((reason) => dropped.add(reason))
    }
    assert.deepStrictEqual([...dropped], ["full"])
    const bySender = Map.groupBy(table.ballot.proposals(), ({ proposal }) => proposal.SenderNodeID.slice(0, 8))
    for (const [sender, open] of bySender) assert.isAtMost(open.length * 512, 10_000, sender)
    assert.deepStrictEqual([...bySender.keys()], ["m2", "m3", "outsider"])
    assert.include(tags(table.receive(proposalOf("m4", { target: of(1_000) }))), "Proposed")
    assert.include(tags(table.propose(false, "own", of(1_001))), "PublishProposal")
  })

  it("a stolen key opens one proposal of a step in 10 s, and outsiders 16 of a target", () => {
    const table = new SealedTable()
    for (let i = 0; i < 100; i++) {
      table.receive(proposalOf("m2", { id: `a${i}`, at: start + i }))
      table.receive(plain(`outsider ${i}`, { id: `c${i}` }))
    }
    assert.lengthOf(table.ballot.proposals(), 17)
  })

  it("knows no invented targets", () => {
    const table = new SealedTable({ knows: () => false })
    assert.deepStrictEqual(reasons(table.receive(proposalOf("m2"))), ["unknown-target"])
    assert.deepStrictEqual(reasons(table.receive(plain("v2"))), ["unknown-target"])
    assert.deepStrictEqual(reasons(table.certificate(certificate())), ["unknown-target"])
    const { Certificate: _, ...bare } = decision(certificate())
    assert.deepStrictEqual(tags(table.decide({ ...bare, SenderNodeID: "v2" })), ["Dropped"])
  })

  it("looks at no more wrong signatures in one name within a second than are worth it; the others are heard", () => {
    const table = opened()
    const forged = (i: number) => voteOf("m2", { at: start + i, signer: cheapSigner("x") })
    const said = Array.from({ length: 1_000 }, (_, i) => reasons(table.vote(forged(i)))[0]!)
    assert.strictEqual(said.filter((reason) => reason === "bad-signature").length, maxFailedChecks)
    assert.strictEqual(said.filter((reason) => reason === "unchecked").length, 1_000 - maxFailedChecks)
    assert.deepStrictEqual(reasons(table.vote(voteOf("m2"))), ["unchecked"])
    assert.deepStrictEqual(reasons(table.vote(voteOf("m3"))), [])
    table.now += second
    assert.include(tags(table.vote(voteOf("m2"))), "Apply")
  })

  it("hears the votes and decisions of a member in whose name proposals are forged, and each of them the other way round", () => {
    const thief = cheapSigner("x")
    const floods: Record<string, (table: SealedTable, i: number) => ReadonlyArray<BallotEffect>> = {
      proposals: (table, i) => table.receive(proposalOf("m2", { id: `x${i}`, at: start + i, signer: thief })),
      votes: (table, i) => table.vote(voteOf("m2", { at: start + i, signer: thief })),
      decisions: (table, i) =>
        table.decide({ ...decision(certificate({ at: start + i, signer: thief })), SenderNodeID: "m2" }),
      told: (table, i) => table.told(certificate({ at: start + i, signer: thief }))
    }
    const honest: Record<string, (table: SealedTable) => ReadonlyArray<BallotEffect>> = {
      proposals: (table) => table.receive(proposalOf("m2", { at: start + 1 })),
      votes: (table) => table.vote(voteOf("m2")),
      decisions: (table) => table.decide({ ...decision(certificate()), SenderNodeID: "m2" }),
      told: (table) => table.told(certificate()),
      "asked for": (table) => table.certificate(certificate())
    }
    for (const [flood, forge] of Object.entries(floods)) {
      for (const [kind, say] of Object.entries(honest)) {
        const table = new SealedTable()
        for (let i = 0; i < 2 * maxFailedChecks; i++) forge(table, i)
        assert.deepStrictEqual(
          reasons(say(table)),
          kind === flood ? ["unchecked"] : [],
          `${kind} in a flood of ${flood}`
        )
      }
    }
  })

  it("the same with forged certificates: those made here and by others are taken", () => {
    const table = opened()
    const forged = (i: number) => certificate({ seq: 3, at: start + i, signer: cheapSigner("x") })
    for (let i = 0; i < 1_000; i++) table.certificate(forged(i))
    assert.deepStrictEqual(reasons(table.certificate(certificate({ seq: 3 }))), ["unchecked"])
    table.vote(voteOf("m2"))
    assert.include(tags(table.vote(voteOf("m3"))), "Apply")
    assert.deepStrictEqual(table.certificate(certificate()), [], "what cannot win is not checked")
    assert.include(tags(table.decide(decision(certificate({ seq: 2 })))), "Apply", "a member tells it")
  })

  it("takes what a node gives that was asked, with an error or without, whatever others forge meanwhile", () => {
    const forged = (i: number) => certificate({ at: start + i, signer: cheapSigner("x") })
    const stranger = (one: Certificate) => ({ ...decision(one), SenderNodeID: "" })
    const floods: Record<string, (table: SealedTable, i: number) => unknown> = {
      "given by a stranger": (table, i) => table.given("evil", forged(i)),
      "given by a stranger, with errors": (table, i) => table.given("evil", forged(i), stranger(forged(i))),
      "given by nobody knows whom": (table, i) => table.certificate(forged(i)),
      "told": (table, i) => table.told(forged(i)),
      "decided by strangers": (table, i) => table.decide({ ...decision(forged(i)), SenderNodeID: `v2-${i}` }),
      "decided by nobody": (table, i) => table.decide(stranger(forged(i))),
      "decided in its name": (table, i) => table.decide({ ...decision(forged(i)), SenderNodeID: "m2" })
    }
    for (const [name, forge] of Object.entries(floods)) {
      for (const message of [undefined, stranger(certificate())]) {
        for (const from of ["m2", "dns-1"]) {
          const table = new SealedTable()
          for (let i = 0; i < 2 * maxFailedChecks; i++) forge(table, i)
          assert.isFalse(table.ballot.isUnchecked(from, table.now), name)
          assert.include(
            tags(table.given(from, certificate(), message)),
            "Apply",
            `${from} in a flood of what is ${name}`
          )
        }
      }
    }
  })

  it("looks at no more wrong ones of a node that was asked within a second, and says so", () => {
    const table = new SealedTable()
    for (let i = 0; i < maxFailedChecks; i++) {
      assert.isFalse(table.ballot.isUnchecked("dns-1", table.now))
      const forged = certificate({ at: start + i, signer: cheapSigner("x") })
      assert.deepStrictEqual(reasons(table.given("dns-1", forged, i % 2 === 0 ? undefined : decision(forged))), [
        "BadSignature"
      ])
    }
    assert.isTrue(table.ballot.isUnchecked("dns-1", table.now))
    assert.deepStrictEqual(reasons(table.given("dns-1", certificate())), ["unchecked"])
    table.now += second
    assert.isFalse(table.ballot.isUnchecked("dns-1", table.now))
    assert.include(tags(table.given("dns-1", certificate())), "Apply")
  })

  it("keeps within its limits under everything, and forgets all but its registers in the end", () => {
    const table = new SealedTable({ limits })
    for (let i = 0; i < 2_000; i++) {
      table.now += 100
      const at = table.now
      table.see(false, table.receive(proposalOf("m2", { id: `a${i}`, target: of(i), at })))
      table.vote(voteOf("m3", { id: `a${i}`, target: of(i), at }))
      table.vote(voteOf("m3", { id: `unknown ${i}`, at }))
      table.receive(proposalOf("m4", { id: `d${i}`, target: of(i), seq: 9, at }))
      table.certificate(certificate({ target: of(i), at }))
      const { Certificate: _, ...bare } = decision(certificate({ target: of(i + 1) }))
      table.decide({ ...bare, SenderNodeID: "v2" })
      if (i % 10 === 0) table.handle({ _tag: "Tick" })
      const size = table.ballot.size()
      assert.isAtMost(size.open, 40)
      assert.isAtMost(size.closed, limits.decided)
      assert.isAtMost(size.ahead, limits.earlyProposals)
      assert.isAtMost(size.registers, limits.registers)
      assert.isAtMost(size.asked, limits.targets)
      assert.isAtMost(size.foreign, limits.targets)
    }
    for (let i = 0; i < 5; i++) {
      table.now += 20 * minute
      table.handle({ _tag: "Tick" })
    }
    const { foreign: _, ...rest } = table.ballot.size()
    assert.deepStrictEqual(rest, {
      open: 0,
      steps: 0,
      closed: 0,
      ahead: 0,
      publications: 0,
      asked: 0,
      held: 0,
      registers: limits.registers
    })
  })

  it("refuses names and texts that are too long to be real", () => {
    const long = "x".repeat(1_000_000)
    const table = opened()
    const refused = [
      table.receive(proposalOf("m2", { id: long })),
      table.receive(proposalOf("m2", { target: { ...target, endpoint: long } })),
      table.receive(proposalOf("m2", { id: "e", error: long })),
      table.receive(plain(long)),
      table.vote(voteOf("m2", { id: long })),
      table.vote({ ...voteOf("m2"), NodeID: long, SenderNodeID: long }),
      table.decide({ ...decision(certificate()), SenderNodeID: long }),
      table.decide(decision(certificate(), { target: { ...target, member: long } }))
    ]
    for (const effects of refused) {
      assert.deepStrictEqual(reasons(effects), ["too-long"])
      assert.isAtMost(only(effects, "Dropped")[0]!.sender.length, 64)
    }
  })
})
