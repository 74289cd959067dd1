import { assert, describe, it } from "@effect/vitest"
import { askAgain, askEvery, heardFor, Peers } from "../../src/status/Peers.ts"
import { target, targetNamed } from "./fixtures.ts"

const digest = (hash: string) => ({ count: 1, hash })
const ours = digest("ours")

describe("Peers", () => {
  it("asks one node for each thing that others hold, what most hold first", () => {
    const peers = new Peers()
    for (const [node, hash] of [["a", "x"], ["b", "y"], ["c", "y"], ["d", "ours"]] as const) {
      peers.heard(node, "IBPMonitor", digest(hash), 0)
    }
    assert.deepStrictEqual(peers.worthAsking(["a", "b", "c", "d", "unknown"], ours, 0), ["b", "a"])
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

  it("asks who did not answer again after twice as long each time, up to a bound, and at once again when it gave all it has", () => {
    const peers = new Peers({ isMember: (node) => node === "m" })
    const waitOf = (node: string, now: number): number => {
      let wait = 0
      while (!peers.isWorthAsking(node, ours, now + wait)) wait += 1_000
      return wait
    }
    const waits: Record<string, Array<number>> = { m: [], a: [] }
    for (const [node, found] of Object.entries(waits)) {
      peers.heard(node, "IBPMonitor", digest("x"), 0)
      for (let i = 0; i < 8; i++) {
        peers.wasSilent(node, 0)
        found.push(waitOf(node, 0) / askEvery)
      }
    }
    assert.deepStrictEqual(waits["m"], [1, 2, 4, 4, 4, 4, 4, 4])
    assert.deepStrictEqual(waits["a"], [1, 2, 4, 8, 16, 32, 32, 32])
    assert.deepStrictEqual(
      peers.worthAsking(["a", "m"], ours, askAgain.stranger - 1),
      ["m"],
      "a member is asked with all"
    )
    assert.deepStrictEqual(peers.worthAsking(["a"], ours, askAgain.stranger), ["a"])
    peers.settle("a", ours, [], 0)
    peers.heard("a", "IBPMonitor", digest("y"), 1)
    assert.strictEqual(waitOf("a", 0), askEvery)
    // What it says unasked proves nothing.
    peers.wasSilent("a", 0)
    peers.wasSilent("a", 0)
    peers.heard("a", "IBPMonitor", digest("z"), 2)
    assert.strictEqual(waitOf("a", 0), 2 * askEvery)
  })

  it("asks members first, then who gave something before, however many say otherwise, and forgets strangers first", () => {
    const peers = new Peers({ max: 8, isMember: (node) => node === "m" })
    peers.heard("m", "IBPMonitor", digest("x"), 0)
    peers.heard("k", "IBPDns", digest("y"), 0)
    peers.settle("k", digest("before"), [], 0)
    for (let i = 0; i < 100; i++) peers.heard(`s${i}`, "IBPMonitor", digest(i % 2 === 0 ? "z" : "y"), 1)
    assert.strictEqual(peers.size, 8)
    assert.deepStrictEqual(["m", "k", "s99"].map((node) => peers.standing(node)), ["member", "known", "stranger"])
    const all = ["s99", "s98", "s97", "s96", "k", "m"]
    assert.deepStrictEqual(peers.worthAsking(all, ours, 1), ["m", "k", "s98"])
    peers.wasSilent("k", 1)
    assert.strictEqual(peers.standing("k"), "stranger")
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
