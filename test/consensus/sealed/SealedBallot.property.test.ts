import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { statusOf } from "../../../src/consensus/sealed/Register.ts"
import { targetKey } from "../../../src/domain/Target.ts"
import { SealedNetwork, type Story } from "./SealedNetwork.ts"

const story = (stolen: fc.Arbitrary<number | undefined>): fc.Arbitrary<Story> =>
  fc.record({
    seed: fc.nat(),
    nodes: fc.integer({ min: 3, max: 7 }),
    stolen,
    lost: fc.constantFrom(0, 10, 40),
    skew: fc.constantFrom(0, 1_000, 20_000)
  })

const numRuns = 20

describe("SealedBallot: monitors over a bad network, with a thief on it", () => {
  it("P2: every step has a quorum of votes, and all but those of stolen keys are of what their voters truly saw", () => {
    let steps = 0
    fc.assert(
      fc.property(story(fc.integer({ min: 0, max: 3 })), (given) => {
        const network = new SealedNetwork(given)
        network.rage(300)
        for (const { T, seq, votes } of network.proved) {
          steps++
          assert.isAtLeast(new Set(votes.map(({ voter }) => voter)).size, network.quorum)
          for (const { observedAt, voter } of votes) {
            if (network.stolen.has(voter)) continue
            const said = `${voter} ${statusOf(seq)} ${Date.parse(observedAt)} ${targetKey(T)}`
            assert.isTrue(network.seen.has(said), `${voter} never saw that: ${JSON.stringify({ seq, observedAt })}`)
          }
        }
      }),
      { numRuns }
    )
    assert.isAbove(steps, numRuns * 10, "it happened at all")
  })

  it("P1: a step has one status on all nodes, a register never falls, and what is followed is what was kept", () => {
    fc.assert(
      fc.property(story(fc.integer({ min: 0, max: 3 })), (given) => {
        const network = new SealedNetwork(given)
        const said = new Map<string, boolean>()
        for (let i = 0; i < 60; i++) {
          const before = network.nodes.map(({ core }) => ({ core, seqs: network.targets.map((one) => core.seq(one)) }))
          network.rage(5)
          network.nodes.forEach(({ applied, core }, n) => {
            network.targets.forEach((one, t) => {
              if (core === before[n]!.core) assert.isAtLeast(core.seq(one), before[n]!.seqs[t]!)
              const follows = applied.get(targetKey(one))
              if (follows === undefined) return
              assert.isAtMost(follows.seq, core.seq(one))
              const step = `${follows.seq} ${targetKey(one)}`
              assert.strictEqual(said.get(step) ?? follows.up, follows.up)
              said.set(step, follows.up)
            })
          })
        }
      }),
      { numRuns }
    )
  })

  it("P3: a side without a quorum decides nothing, however long it is cut off; the other side does", () => {
    let [small, large] = [0, 0]
    fc.assert(
      fc.property(story(fc.constant(undefined)), (given) => {
        const network = new SealedNetwork(given)
        network.rage(60)
        network.cut()
        // Votes of before the cut count for a minute, by clocks that differ.
        network.rage(65 + given.skew / 500, true)
        const cut = network.nodes.map(({ core }) => ({ core, seqs: network.targets.map((one) => core.seq(one)) }))
        network.rage(900, true)
        network.nodes.forEach(({ core, id }, n) => {
          const side = network.nodes.filter((other) => network.sides.get(other.id) === network.sides.get(id)).length
          const seqs = network.targets.map((one) => core.seq(one))
          if (side >= network.quorum) large += Math.max(...seqs.map((seq, t) => seq - cut[n]!.seqs[t]!))
          else {
            // Who was started anew without a disk may stand lower.
            small++
            seqs.forEach((seq, t) => assert.isAtMost(seq, Math.max(...cut.map(({ seqs }) => seqs[t]!))))
            if (core === cut[n]!.core) assert.deepStrictEqual(seqs, cut[n]!.seqs)
          }
        })
      }),
      { numRuns: 12 }
    )
    assert.isAbove(small, 3, "there were small sides")
    assert.isAbove(large, 10, "and large ones, that decided")
  })

  it("agrees with what is true within a minute after everything is well again", () => {
    fc.assert(
      fc.property(story(fc.integer({ min: 0, max: 3 })), (given) => {
        const network = new SealedNetwork(given)
        network.rage(240)
        network.heal()
        network.calm(60)
        assert.deepStrictEqual(network.wrong(), [])
        const before = network.proved.length
        network.calm(120)
        assert.strictEqual(network.proved.length, before, "and then nothing moves any more")
      }),
      { numRuns }
    )
  })
})
