import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { decisionIdOf } from "../../src/consensus/sealed/decisionIdOf.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { conditionsOf, meet, outsider, overhear, settle, startNode, statuses, three } from "./cluster.ts"
import { finalize, proposal, vote } from "./fixtures.ts"
import { certificate, member, target } from "./sealed/fixtures.ts"

const startThree = Effect.forEach(["m1", "m2", "m3"], (id) => startNode(id))

const see = (nodes: ReadonlyArray<{ readonly sees: Ref.Ref<boolean | undefined> }>, up: boolean) =>
  Effect.forEach(nodes, ({ sees }) => Ref.set(sees, up))

describe("Consensus in the mode require", () => {
  it.effect("decides by certificates, and those who only follow hold the same ones", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree
      const dns = yield* startNode("dns-1", { role: "IBPDns", key: null })
      const nodes = [...monitors, dns]
      yield* meet
      yield* monitors[0]!.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [false, false, false, false])
      yield* see(monitors, true)
      yield* TestClock.adjust("11 seconds")
      yield* monitors[1]!.propose(true)
      yield* settle
      assert.deepStrictEqual(yield* statuses(nodes), [true, true, true, true])
      for (const { certificates, official, proofs } of nodes) {
        const status = yield* official.get(target)
        assert.strictEqual(status?.id, decisionIdOf(target, 2))
        assert.strictEqual(status?.proof?.seq, 2)
        assert.strictEqual(certificates.get(target)?.seq, 2)
        assert.deepStrictEqual(yield* proofs.digest, yield* dns.proofs.digest)
      }
      assert.strictEqual((yield* dns.proofs.digest).count, 1)
      assert.deepStrictEqual(yield* dns.consensus.state, {
        mode: "require",
        epoch: 1,
        minEpoch: 1,
        votes: false,
        electorate: new Set(["m1", "m2", "m3"])
      })
      assert.isTrue((yield* monitors[0]!.consensus.state).votes)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("is moved by no forged, stripped or replayed message", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree
      const spoken = yield* overhear("ear", Subject.Cast)
      const decided = yield* overhear("ear-2", Subject.Finalize)
      const proposed = yield* overhear("ear-3", Subject.Propose)
      yield* meet
      yield* monitors[0]!.propose(false)
      yield* settle
      yield* see(monitors, true)
      yield* TestClock.adjust("11 seconds")
      yield* monitors[0]!.propose(true)
      yield* settle
      assert.deepStrictEqual(yield* statuses(monitors), [true, true, true])

      const evil = yield* outsider("evil")
      const now = yield* Clock.currentTimeMillis
      // A decision that nobody voted for, in the name of a member and of a stranger; a certificate with invented signatures.
      yield* evil.say(Subject.Finalize, finalize({ sender: "m2", at: now }))
      yield* evil.say(Subject.Finalize, {
        ...finalize({ sender: "m2", at: now }),
        Certificate: certificate({ seq: 3, voters: ["m1", "stranger"], at: now })
      })
      const votes = certificate({ seq: 3 }).votes.map((one) => ({ ...one, sig: "cheap:0000000000000000" }))
      const invented = certificate({ seq: 3, votes })
      yield* evil.say(Subject.Finalize, { ...finalize({ sender: "m2", at: now }), Certificate: invented })
      yield* evil.say(Subject.Certificates, { Type: "tell", NodeID: "m2", From: 0, Certificates: [invented, 7] })
      // The first outage once more: its decision, its proposal, and the votes on it, with and without their seals.
      const first = decided.find(({ Proposal }) => !Proposal.ProposedStatus)!
      assert.isDefined(first.Certificate)
      yield* evil.say(Subject.Finalize, { ...first, DecidedAt: now + 1_000 })
      const old = proposed.find(({ ProposedStatus }) => !ProposedStatus)!
      yield* evil.say(Subject.Propose, { ...old, ID: "again" })
      yield* evil.say(Subject.Propose, proposal({ id: "forged", sender: "m2", up: false, at: now }))
      for (const one of spoken.filter(({ Seq }) => Seq === 1)) {
        yield* evil.say(Subject.Cast, { ...one, ProposalID: "forged", Timestamp: now })
        const { Seal: _, ...stripped } = one
        yield* evil.say(Subject.Cast, { ...stripped, ProposalID: "forged", Timestamp: now })
      }
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* statuses(monitors), [true, true, true])
      for (const { certificates } of monitors) assert.strictEqual(certificates.get(target)?.seq, 2)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("votes for v2 peers, is not moved by them, and shows where they differ", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree
      yield* meet
      yield* see(monitors, true)
      yield* monitors[0]!.propose(true)
      yield* settle
      const votes = yield* overhear("v2-ear", Subject.Cast)
      const peer = yield* outsider("v2")
      yield* see(monitors, false)
      yield* TestClock.adjust("11 seconds")
      const now = yield* Clock.currentTimeMillis
      yield* peer.say(Subject.Propose, proposal({ id: "theirs", sender: "v2-monitor", up: false, at: now }))
      yield* peer.say(Subject.Cast, vote("v2-monitor", true, { id: "theirs", at: now }))
      const forTheirs = votes.filter(({ NodeID, ProposalID }) => ProposalID === "theirs" && NodeID !== "v2-monitor")
      assert.deepStrictEqual(forTheirs.map(({ Agree, NodeID }) => `${NodeID} ${Agree}`).sort(), [
        "m1 true",
        "m2 true",
        "m3 true"
      ])
      // Their proposal names no step, so that nothing of ours follows from it, nor from what they decide.
      const theirs = proposal({ id: "theirs", sender: "v2-monitor", up: false, at: now })
      yield* peer.say(Subject.Finalize, finalize({ proposal: theirs, sender: "v2-monitor", at: now }))
      assert.deepStrictEqual(yield* statuses(monitors), [true, true, true])
      const [condition] = yield* conditionsOf(monitors[0]!, "consensus:foreign")
      assert.match(condition?.detail ?? "", /decided otherwise on 1 target/)
      yield* monitors[1]!.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses(monitors), [false, false, false])
      assert.deepStrictEqual(yield* conditionsOf(monitors[0]!, "consensus:foreign"), [])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("takes up what it had proved after a restart, and without its disk from the others", () =>
    Effect.gen(function*() {
      const [m1, m2] = [yield* startNode("m1"), yield* startNode("m2")]
      const disk = yield* Layer.build(Layer.fresh(MemoryDisk.layer))
      const m3 = yield* startNode("m3", { disk })
      yield* meet
      yield* m1.propose(false)
      yield* settle
      assert.isFalse(yield* m3.up())
      yield* m3.stop

      const again = yield* startNode("m3", { disk })
      assert.strictEqual(again.certificates.get(target)?.seq, 1)
      // What follows from it waits for a higher one.
      assert.isUndefined(yield* again.up())
      yield* TestClock.adjust("31 seconds")
      assert.isFalse(yield* again.up())
      yield* again.stop

      const blank = yield* startNode("m3", { disk: yield* Layer.build(Layer.fresh(MemoryDisk.layer)) })
      yield* see([m1, m2, blank], true)
      yield* meet
      assert.strictEqual(blank.certificates.get(target), undefined)
      // Somebody proposes a step that it cannot take: it fetches what it misses first.
      yield* m1.propose(true)
      yield* settle
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* statuses([m1, m2, blank]), [true, true, true])
      assert.strictEqual(blank.certificates.get(target)?.seq, 2)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("follows a new roster while it runs: who joins votes, who left does not", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree
      const m4 = yield* startNode("m4")
      yield* meet
      assert.match((yield* conditionsOf(m4, "consensus:member"))[0]?.detail ?? "", /m4 is not in the roster of epoch 1/)
      assert.isFalse((yield* m4.consensus.state).votes)
      const four = { ...three, epoch: 2, members: [...three.members, member("m4")] }
      for (const { rosters } of [...monitors, m4]) yield* rosters.offer(four)
      yield* settle
      assert.deepStrictEqual(yield* conditionsOf(m4, "consensus:member"), [])
      assert.isTrue((yield* m4.consensus.state).votes)

      // Without m1 and m2 there is no majority of four; with m2 there is.
      const [m1, m2, m3] = monitors
      yield* Ref.set(m1!.sees, undefined)
      yield* Ref.set(m2!.sees, undefined)
      yield* m4.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses([m3!, m4]), [undefined, undefined])
      yield* Ref.set(m2!.sees, false)
      yield* TestClock.adjust("100 seconds")
      yield* m4.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses([...monitors, m4]), [false, false, false, false])
      assert.strictEqual(m1!.certificates.get(target)?.epoch, 2)

      // An epoch never falls.
      yield* m1!.rosters.offer(three)
      assert.strictEqual(m1!.rosters.current().current.epoch, 2)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("decides nothing with fewer than the quorum, and goes on when they are back", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const monitors = yield* startThree
      yield* meet
      yield* broker.disconnect("m2")
      yield* broker.disconnect("m3")
      yield* monitors[0]!.propose(false)
      yield* settle
      assert.deepStrictEqual(yield* statuses(monitors), [undefined, undefined, undefined])
      yield* broker.reconnect("m2")
      yield* settle
      yield* monitors[0]!.propose(false)
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(yield* statuses(monitors), [false, false, undefined])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("tells on a subject of its own that it cannot judge a target", () =>
    Effect.gen(function*() {
      const monitors = yield* startThree
      const abstentions = yield* overhear("ear", Subject.Abstain)
      const votes = yield* overhear("ear-2", Subject.Cast)
      yield* meet
      yield* Ref.set(monitors[2]!.sees, undefined)
      yield* monitors[0]!.propose(false)
      yield* settle
      assert.deepStrictEqual(abstentions.map(({ NodeID, Reason }) => [NodeID, Reason]), [["m3", "not-observed"]])
      assert.notInclude(votes.map(({ NodeID }) => NodeID), "m3")
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("counts no announcement that claims a member without its seal, and shows the epoch of those that are sealed", () =>
    Effect.gen(function*() {
      const m1 = yield* startNode("m1")
      const evil = yield* outsider("evil")
      const join = (id: string) =>
        evil.say(Subject.Cluster, {
          type: "join",
          sender: {
            NodeID: id,
            PublicAddress: "",
            ListenAddress: "",
            ListenPort: "",
            NodeRole: "IBPMonitor",
            LastHeard: 0
          },
          members: []
        })
      yield* join("m2")
      yield* join("v2-monitor")
      // Nor is anything else that it says a sign of life of a member.
      yield* evil.say(Subject.Cast, vote("m3"))
      assert.deepStrictEqual((yield* m1.membership.nodes).map(({ id }) => id), ["v2-monitor"])
      yield* startNode("m2")
      yield* meet
      const m2 = (yield* m1.membership.nodes).find(({ id }) => id === "m2")
      assert.strictEqual(m2?.epoch, 1)
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
