import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Ref } from "effect"
import { TestClock } from "effect/testing"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { decisionIdOf } from "../../src/consensus/sealed/decisionIdOf.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { meet, type NodeOptions, outsider, overhear, settle, startNode, statuses, three } from "./cluster.ts"
import { finalize, proposal, vote } from "./fixtures.ts"
import { certificate, member, target } from "./sealed/fixtures.ts"

const startThree = (options: NodeOptions = {}) =>
  Effect.forEach(["m1", "m2", "m3"], (id) => startNode(id, { mode: "prefer", ...options }))

describe("Consensus in the mode prefer", () => {
  it.effect("decides among members, who seal what they say with the step that is none", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree()
      const dns = yield* startNode("dns-1", { mode: "prefer", role: "IBPDns", key: null })
      const votes = yield* overhear("ear", Subject.Cast)
      const proposals = yield* overhear("ear-2", Subject.Propose)
      yield* meet
      yield* monitors[0]!.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses([...monitors, dns]), [false, false, false, false])
      assert.deepStrictEqual(proposals.map(({ Seal, Seq }) => [Seq, Seal?.cluster]), [[0, "test"]])
      assert.isAtLeast(votes.length, 2)
      for (const { Seal, Seq } of votes) assert.deepStrictEqual([Seq, Seal?.epoch], [0, 1])
      assert.deepStrictEqual(yield* monitors[0]!.consensus.state, {
        mode: "prefer",
        epoch: 1,
        minEpoch: 1,
        votes: true,
        electorate: new Set(["m1", "m2", "m3"])
      })
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("takes nothing in the name of a member that its key did not seal", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree()
      const votes = yield* overhear("ear", Subject.Cast)
      const decided = yield* overhear("ear-2", Subject.Finalize)
      yield* meet
      yield* monitors[0]!.propose(false)
      yield* settle
      yield* Effect.forEach(monitors, ({ sees }) => Ref.set(sees, true))
      yield* TestClock.adjust("3 minutes")
      yield* monitors[0]!.propose(true)
      yield* settle
      assert.deepStrictEqual(yield* statuses(monitors), [true, true, true])

      const evil = yield* outsider("evil")
      const now = yield* Clock.currentTimeMillis
      yield* evil.say(Subject.Finalize, finalize({ sender: "m2", at: now }))
      yield* evil.say(Subject.Finalize, { ...decided[0]!, DecidedAt: now })
      yield* evil.say(Subject.Propose, proposal({ id: "stripped", sender: "m2", at: now }))
      // Nobody sees anything: with the old votes of two members a stranger would have three of four.
      yield* Effect.forEach(monitors, ({ sees }) => Ref.set(sees, undefined))
      yield* evil.say(Subject.Propose, proposal({ id: "theirs", sender: "evil", at: now }))
      yield* evil.say(Subject.Cast, vote("evil", true, { id: "theirs", at: now }))
      const first = votes.filter(({ Agree, ProposalID }) => Agree && ProposalID === decided[0]!.Proposal.ID)
      const two = [...new Map(first.map((one) => [one.NodeID, one])).values()].slice(0, 2)
      assert.lengthOf(two, 2)
      for (const old of two) {
        yield* evil.say(Subject.Cast, { ...old, ProposalID: "theirs", Timestamp: now + 60_000 })
        const { Seal: _, ...stripped } = old
        yield* evil.say(Subject.Cast, { ...stripped, ProposalID: "theirs", Timestamp: now + 60_000 })
      }
      assert.lengthOf(yield* monitors[0]!.consensus.proposals, 1)
      assert.deepStrictEqual(yield* statuses(monitors), [true, true, true])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("counts v2 peers as equal members where the electorate is heard, and only members where it is the roster", () =>
    Effect.gen(function*() {
      for (const electorate of ["heard", "roster"] as const) {
        yield* Effect.scoped(
          Effect.gen(function*() {
            const m1 = yield* startNode("m1", { mode: "prefer", electorate })
            const peers = yield* Effect.forEach(["v2-a", "v2-b"], outsider)
            yield* meet
            const now = yield* Clock.currentTimeMillis
            yield* peers[0]!.say(Subject.Propose, proposal({ id: "p", sender: "v2-a", at: now }))
            yield* peers[0]!.say(Subject.Cast, vote("v2-a", true, { id: "p", at: now }))
            yield* peers[1]!.say(Subject.Cast, vote("v2-b", true, { id: "p", at: now }))
            assert.strictEqual(yield* m1.up(), electorate === "heard" ? false : undefined)
          }).pipe(Effect.provide(MemoryBroker.layer))
        )
      }
    }))

  it.effect("has on IPv6 targets the members with IPv6 as its electorate, where that is the roster", () =>
    Effect.gen(function*() {
      const roster = { ...three, members: ["m1", "m2", "m3"].map((id) => member(id, { ipv6: id !== "m3" })) }
      const monitors = yield* startThree({ electorate: "roster", roster })
      const ipv6 = { ...target, ipv6: true }
      yield* Ref.set(monitors[2]!.sees, undefined)
      yield* meet
      yield* monitors[0]!.propose(false, ipv6)
      yield* settle
      for (const monitor of monitors) assert.isFalse(yield* monitor.up(ipv6))
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("believes members that already require proof, and those that sign in the mode open", () =>
    Effect.gen(function*() {
      const m1 = yield* startNode("m1", { mode: "prefer" })
      const open = yield* startNode("m2", { mode: "open", roster: three })
      const required = yield* startNode("m3", { mode: "require" })
      yield* meet
      yield* open.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses([m1, open]), [false, false])
      // What it sees is no step for who requires proof: the others do not name one.
      assert.isUndefined(yield* required.up())

      // When a majority requires proof, the certificate moves also those that do not.
      const evil = yield* outsider("carrier")
      const now = yield* Clock.currentTimeMillis
      yield* evil.say(Subject.Finalize, {
        ...finalize({
          proposal: proposal({ id: decisionIdOf(target, 2), sender: "m3", up: true }),
          sender: "m3",
          at: 0
        }),
        Certificate: certificate({ seq: 2, at: now + 1_000 })
      })
      assert.deepStrictEqual(yield* statuses([m1]), [true])
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
