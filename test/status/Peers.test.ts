import { assert, describe, it } from "@effect/vitest"
import { askEvery, heardFor, Peers } from "../../src/status/Peers.ts"
import { target, targetNamed } from "./fixtures.ts"

const digest = (hash: string) => ({ count: 1, hash })
const ours = digest("ours")

describe("Peers", () => {
  it("asks one node for each thing that others hold, what most hold first", () => {
    const peers = new Peers()
    for (const [node, hash] of [["a", "x"], ["b", "y"], ["c", "y"], ["d", "ours"]] as const) {
      peers.heard(node, "IBPMonitor", digest(hash), 0)
    }
    assert.deepStrictEqual(peers.worthAsking(["a", "b", "c", "d", "unknown"], ours), ["b", "a"])
  })

  it("asks a node that had nothing newer only again when it, or we, have something else", () => {
    const peers = new Peers()
    peers.heard("a", "IBPDns", digest("x"), 0)
    assert.isTrue(peers.isWorthAsking("a", ours, 0))
    peers.settle("a", ours, [], 0)
    peers.heard("a", "IBPDns", digest("x"), askEvery)
    assert.isFalse(peers.isWorthAsking("a", ours, askEvery))
    assert.isTrue(peers.isWorthAsking("a", digest("else"), askEvery))
    peers.lookAgain()
    assert.isTrue(peers.isWorthAsking("a", ours, askEvery), "the documents changed")
    peers.settle("a", ours, [], 0)
    peers.heard("a", "IBPDns", digest("y"), askEvery)
    assert.isTrue(peers.isWorthAsking("a", ours, askEvery))
    assert.isFalse(peers.isWorthAsking("a", ours, askEvery - 1), "not so soon")
    assert.isFalse(peers.isWorthAsking("a", digest("y"), askEvery), "agrees")
  })

  it("remembers who disagrees and since when, until it agrees or falls silent", () => {
    const peers = new Peers()
    peers.heard("a", "IBPDns", digest("x"), 0)
    peers.settle("a", ours, [target, targetNamed("Other")], 1)
    peers.heard("a", "IBPDns", digest("y"), 100)
    peers.settle("a", ours, [target], 100)
    const disagreement = { node: "a", targets: 1, example: target, since: 1 }
    assert.deepStrictEqual(peers.disagreements(ours, 100), [disagreement])
    assert.deepStrictEqual(peers.disagreements(ours, 100 + heardFor), [disagreement])
    assert.deepStrictEqual(peers.disagreements(ours, 101 + heardFor), [])
    peers.settle("a", ours, [target], 100)
    assert.deepStrictEqual(peers.disagreements(digest("y"), 100), [])
  })

  it("knows whether a monitor is there, and keeps only so many nodes", () => {
    const peers = new Peers({ max: 3 })
    peers.heard("m", "IBPMonitor", ours, 0)
    peers.heard("d", "IBPDns", ours, heardFor + 1)
    assert.isTrue(peers.hasMonitor(heardFor))
    assert.isFalse(peers.hasMonitor(heardFor + 1))
    for (let i = 0; i < 1_000; i++) peers.heard(`flood-${i}`, "IBPMonitor", ours, heardFor + 1)
    assert.strictEqual(peers.size, 3)
  })
})
