import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { messageCodec } from "../../../src/bus/MessageCodec.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import {
  checkJoin,
  checkProposal,
  checkVote,
  sealJoin,
  sealProposal,
  sealVote
} from "../../../src/consensus/sealed/seals.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import { VerifiedSignatures } from "../../../src/consensus/sealed/VerifiedSignatures.ts"
import { verify } from "../../../src/consensus/sealed/verify.ts"
import type { ClusterMessage } from "../../../src/domain/wire/Cluster.ts"
import { makeProposal, type Proposal, type Vote } from "../../../src/domain/wire/Consensus.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import { certificate, roster, rostersOf, start, target } from "./fixtures.ts"

const known = rostersOf(roster(), roster({ epoch: 2 }))
const epoch = { cluster: "test", epoch: 2 }

const proposal = (options: { seq?: number; up?: boolean; sender?: string; ipv6?: boolean } = {}): Proposal => {
  const sender = options.sender ?? "m1"
  const plain = makeProposal({
    id: "p-1",
    sender,
    target: { ...target, ipv6: options.ipv6 ?? false },
    up: options.up ?? false,
    error: "connection refused",
    data: { a: 1 },
    at: start
  })
  return sealProposal(cheapSigner(sender), epoch, plain, options.seq ?? 1)
}

const voteOn = (on: Proposal, options: { voter?: string; up?: boolean; seq?: number } = {}): Vote => {
  const voter = options.voter ?? "m2"
  const up = options.up ?? on.ProposedStatus
  const seq = options.seq ?? on.Seq!
  const target_ = { ...target, ipv6: on.IsIPv6 }
  return {
    ProposalID: on.ID,
    SenderNodeID: voter,
    NodeID: voter,
    Agree: up === on.ProposedStatus,
    Timestamp: start + 7,
    Seq: seq,
    Seal: sealVote(cheapSigner(voter), epoch, { target: target_, seq, up, observedAt: start + 5 })
  }
}

const join = (options: { id?: string; role?: string } = {}): ClusterMessage =>
  sealJoin(cheapSigner(options.id ?? "d1"), epoch, {
    type: "join",
    sender: {
      NodeID: options.id ?? "d1",
      PublicAddress: "",
      ListenAddress: "",
      ListenPort: "",
      NodeRole: options.role ?? "IBPDns",
      LastHeard: start,
      Boot: "b00t"
    },
    members: []
  })

const outcome = <A>(result: Result.Result<A, string>) => Result.isFailure(result) ? result.failure : "sealed"
const ofVote = (vote: Vote, on: Proposal = proposal(), rosters: Rosters = known) =>
  outcome(checkVote(vote, on, rosters, new VerifiedSignatures()))
const ofProposal = (given: Proposal, rosters: Rosters = known) =>
  outcome(checkProposal(given, rosters, new VerifiedSignatures()))
const ofJoin = (given: ClusterMessage, rosters: Rosters = known) =>
  outcome(checkJoin(given, rosters, new VerifiedSignatures()))

/** As it comes out at the other end. */
const sent = <A>(subject: Subject.Subject<A>, value: A): A =>
  Result.getOrThrow(messageCodec(subject).decode(Result.getOrThrow(messageCodec(subject).encode(value))))

describe("a sealed vote", () => {
  it("is one over the wire, and stands in a certificate as it is", () => {
    const on = sent(Subject.Propose, proposal())
    const votes = ["m2", "m3", "m4"].map((voter) =>
      Result.getOrThrow(checkVote(sent(Subject.Cast, voteOn(on, { voter })), on, known, new VerifiedSignatures()))
    )
    assert.deepInclude(votes[0], { epoch: 2, seq: 1, up: false, observedAt: start + 5 })
    const made = certificate({ epoch: 2, votes: votes.map(({ vote }) => vote) })
    assert.isTrue(Result.isSuccess(verify(made, undefined, known)))
  })

  it("may say no: that is what the voter saw, and no evidence for the step", () => {
    const seen = Result.getOrThrow(
      checkVote(voteOn(proposal(), { up: true }), proposal(), known, new VerifiedSignatures())
    )
    assert.isTrue(seen.up)
    const made = certificate({
      epoch: 2,
      votes: ["m2", "m3", "m4"].map((voter) => {
        const no = checkVote(voteOn(proposal(), { voter, up: true }), proposal(), known, new VerifiedSignatures())
        return Result.getOrThrow(no).vote
      })
    })
    assert.isTrue(Result.isFailure(verify(made, undefined, known)))
  })

  it("is none when anything of it is not so", () => {
    const vote = voteOn(proposal())
    const { Seal, Seq, ...bare } = vote
    assert.strictEqual(ofVote(vote), "sealed")
    assert.strictEqual(ofVote(bare), "unsigned")
    assert.strictEqual(ofVote({ ...bare, Seq: Seq! }), "unsigned")
    assert.strictEqual(ofVote({ ...bare, Seal: Seal! }), "unsigned")
    assert.strictEqual(ofVote({ ...vote, SenderNodeID: "m3" }), "mismatch")
    assert.strictEqual(ofVote({ ...vote, SenderNodeID: "" }), "mismatch")
    assert.strictEqual(ofVote({ ...vote, ProposalID: "p-2" }), "mismatch")
    assert.strictEqual(ofVote({ ...vote, Seq: 3 }), "mismatch")
    assert.strictEqual(ofVote({ ...vote, Seal: { ...Seal!, observedAt: "now" } }), "mismatch")
    assert.strictEqual(ofVote({ ...vote, Agree: false }), "bad-signature")
    assert.strictEqual(ofVote({ ...vote, NodeID: "m3", SenderNodeID: "m3" }), "bad-signature")
    assert.strictEqual(ofVote({ ...vote, Seal: { ...Seal!, epoch: 1 } }), "bad-signature")
    assert.strictEqual(ofVote({ ...vote, Seal: { ...Seal!, epoch: 3 } }), "unknown-epoch")
    assert.strictEqual(ofVote({ ...vote, Seal: { ...Seal!, cluster: "x" } }), "other-cluster")
    const stale = { ...vote, Seal: { ...Seal!, observedAt: "2026-04-21T08:00:00.006Z" } }
    assert.strictEqual(ofVote(stale), "bad-signature")
    assert.strictEqual(ofVote(vote, { ...proposal(), MemberName: "Fuji" }), "bad-signature")
    const retired = rostersOf(roster(), roster({ epoch: 2 }), roster({ epoch: 3, minEpoch: 3 }))
    assert.strictEqual(ofVote(vote, proposal(), retired), "retired-epoch")
  })

  it("counts of those alone who can judge the target", () => {
    assert.strictEqual(ofVote(voteOn(proposal(), { voter: "stranger" })), "not-a-member")
    assert.strictEqual(ofVote(voteOn(proposal(), { voter: "d1" })), "not-a-member")
    const ipv6 = proposal({ ipv6: true })
    assert.strictEqual(ofVote(voteOn(ipv6, { voter: "m2" }), ipv6), "sealed")
    assert.strictEqual(ofVote(voteOn(ipv6, { voter: "m4" }), ipv6), "not-a-member")
  })
})

describe("a sealed proposal", () => {
  it("is one over the wire, whatever the probe measured", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(checkProposal(sent(Subject.Propose, proposal()), known, new VerifiedSignatures())),
      { epoch: 2, seq: 1 }
    )
    assert.strictEqual(ofProposal({ ...proposal(), Data: null }), "sealed")
  })

  it("is none when anything of it is not so", () => {
    const given = proposal()
    const { Seal, Seq, ...bare } = given
    assert.strictEqual(ofProposal(bare), "unsigned")
    assert.strictEqual(ofProposal({ ...bare, Seq: Seq! }), "unsigned")
    assert.strictEqual(ofProposal({ ...bare, Seal: Seal! }), "unsigned")
    for (
      const changed of [
        { ID: "p-2" },
        { CheckType: "domain" },
        { CheckName: "x" },
        { MemberName: "x" },
        { DomainName: "x" },
        { Endpoint: "x" },
        { IsIPv6: true },
        { ErrorText: "x" },
        { SenderNodeID: "m2" },
        { Seq: 3 }
      ] as const
    ) {
      assert.strictEqual(ofProposal({ ...given, ...changed }), "bad-signature", JSON.stringify(changed))
    }
    assert.strictEqual(ofProposal({ ...given, ProposedStatus: true }), "mismatch")
    assert.strictEqual(ofProposal({ ...given, ProposedStatus: true, Seq: 2 }), "bad-signature")
    assert.strictEqual(ofProposal({ ...given, Timestamp: start + 1 }), "mismatch")
    assert.strictEqual(ofProposal(proposal({ seq: 0, up: true })), "mismatch")
    assert.strictEqual(ofProposal({ ...given, Seal: { ...Seal!, cluster: "x" } }), "other-cluster")
    assert.strictEqual(ofProposal({ ...given, Seal: { ...Seal!, epoch: 1 } }), "bad-signature")
    assert.strictEqual(ofProposal({ ...given, Seal: { ...Seal!, epoch: 9 } }), "unknown-epoch")
    assert.strictEqual(ofProposal(proposal({ sender: "d1" })), "not-a-member")
    assert.strictEqual(ofProposal(proposal({ sender: "stranger" })), "not-a-member")
    assert.strictEqual(ofProposal(proposal({ sender: "m4", ipv6: true })), "not-a-member")
    const retired = rostersOf(roster({ epoch: 2 }), roster({ epoch: 3, minEpoch: 3 }))
    assert.strictEqual(ofProposal(given, retired), "retired-epoch")
  })
})

describe("a sealed join", () => {
  it("is one over the wire, of any role, and tells the epoch", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(checkJoin(sent(Subject.Cluster, join()), known, new VerifiedSignatures())),
      { epoch: 2, time: start }
    )
    assert.strictEqual(ofJoin(join({ id: "m1", role: "IBPMonitor" })), "sealed")
  })

  it("is none when anything of it is not so", () => {
    const given = join()
    const { Seal, ...bare } = given
    const of = (changed: Partial<ClusterMessage["sender"]>) =>
      ofJoin({ ...given, sender: { ...given.sender, ...changed } })
    assert.strictEqual(ofJoin(bare), "unsigned")
    assert.strictEqual(of({ NodeID: "stranger" }), "not-a-member")
    assert.strictEqual(of({ NodeID: "m1", NodeRole: "IBPMonitor" }), "bad-signature")
    assert.strictEqual(of({ NodeRole: "IBPMonitor" }), "mismatch")
    assert.strictEqual(of({ Boot: "x" }), "bad-signature")
    // It claims a role that it does not have in the roster, truly signed.
    assert.strictEqual(ofJoin(join({ role: "IBPMonitor" })), "mismatch")
    assert.strictEqual(ofJoin({ ...given, Seal: { ...Seal!, time: "2026-04-21T08:00:01Z" } }), "bad-signature")
    assert.strictEqual(ofJoin({ ...given, Seal: { ...Seal!, time: "soon" } }), "mismatch")
    assert.strictEqual(ofJoin({ ...given, Seal: { ...Seal!, cluster: "x" } }), "other-cluster")
    assert.strictEqual(ofJoin({ ...given, Seal: { ...Seal!, epoch: 9 } }), "unknown-epoch")
    assert.strictEqual(
      ofJoin(given, rostersOf(roster({ epoch: 2 }), roster({ epoch: 3, minEpoch: 3 }))),
      "retired-epoch"
    )
  })

  it("is nothing else: no seal is good for another kind of message", () => {
    const signatures = new VerifiedSignatures()
    const { sig } = join({ id: "m1", role: "IBPMonitor" }).Seal!
    const given = proposal()
    assert.strictEqual(
      outcome(checkProposal({ ...given, Seal: { ...given.Seal!, sig } }, known, signatures)),
      "bad-signature"
    )
  })
})
